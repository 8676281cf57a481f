//! The stream of events, and the log.

use super::*;
use http_body_util::BodyExt;
use model::{
    LogEnd, LogFrame, LogStream, Millis, Run, RunId, RunState,
    log::{Record, encode},
};

const NO_RUN: &str = "0199f3b2-6c1e-7d4a-8f00-0123456789ab";

#[tokio::test]
async fn the_stream_is_never_kept_back_and_says_goodbye() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let mut request = get("/api/events");
    request
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    request
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, "br, gzip".parse().expect("codings"));
    let answer = site.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(header("cache-control").as_deref(), Some("no-cache, no-transform"));
    assert_eq!(header("x-accel-buffering").as_deref(), Some("no"));
    assert_eq!(header("content-encoding"), None);
    let mut body = answer.into_body();
    let first = body
        .frame()
        .await
        .expect("a piece")
        .expect("readable")
        .into_data()
        .expect("bytes");
    assert!(String::from_utf8_lossy(&first).contains("retry: 1000"));
    site.site.shutdown.cancel();
    let rest = body.collect().await.expect("its end").to_bytes();
    let rest = String::from_utf8_lossy(&rest);
    assert!(
        rest.contains("event: bye") && rest.contains(r#""reason":"shutdown""#),
        "{rest}"
    );
}

#[tokio::test]
async fn unknown_runs_and_unreadable_cursors_are_told() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let status = async |path: &str| site.ask_as(&cookie, get(path)).await.status;
    assert_eq!(
        status(&format!("/api/events?runs={NO_RUN}")).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        status("/api/events?runs=x").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        status(&format!("/api/runs/{NO_RUN}/log")).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        status("/api/runs/..%2F..%2Fetc/log").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let mut request = get("/api/events?runs=");
    request
        .headers_mut()
        .insert("last-event-id", format!("{NO_RUN}@5.1").parse().expect("an id"));
    assert_eq!(
        site.ask_as(&cookie, request).await.status,
        StatusCode::NOT_FOUND,
        "the last id wins"
    );
}

#[tokio::test]
async fn signing_out_ends_the_stream() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let mut request = get("/api/events");
    request
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    let answer = site.send(request).await;
    site.ask_as(
        &cookie,
        super::request("POST", "/fn/sign_out")
            .body(Body::empty())
            .expect("a request"),
    )
    .await;
    let body = answer.into_body().collect().await.expect("its end").to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("event: bye") && body.contains(r#""reason":"signed_out""#),
        "{body}"
    );
}

#[tokio::test]
async fn leaving_the_team_ends_the_stream_and_what_is_the_teams_is_not_there_any_more() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let run = ended_run(&site, &[(LogStream::Stdout, b"ours\n")]).await;
    let store = &site.site.services.store;
    let heir = store
        .create_user("heir", InstanceRole::Person, None)
        .await
        .expect("an account");
    let team = model::TeamId::first();
    let owner = model::Role::Owner;
    store
        .add_member(&team, owner, &heir.id, owner)
        .await
        .expect("taken in");
    let path = format!("/api/events?runs={}@0.0", run.id);
    let mut request = get(&path);
    request
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    let answer = site.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    store
        .remove_member(&team, None, &site.owner.id)
        .await
        .expect("left");
    let body = answer.into_body().collect().await.expect("its end").to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("event: bye") && body.contains(r#""reason":"not_a_member""#),
        "{body}"
    );
    let none = site.ask_as(&cookie, get(&path)).await;
    assert_eq!(none.status, StatusCode::FORBIDDEN, "{}", none.body);
    let own = store.create_team("Own", &site.owner.id).await.expect("a team");
    assert_eq!(own.name, "Own");
    for path in [path, format!("/api/runs/{}/log", run.id)] {
        let gone = site.ask_as(&cookie, get(&path)).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.body);
    }
}

/// A run that ended, with this output, of an agent of its own.
async fn ended_run(site: &TestSite, output: &[(LogStream, &[u8])]) -> Run {
    end_of_run(&site.site, &site.agent().await, output).await
}

/// A run of this agent that ended, with this output.
pub async fn end_of_run(site: &Site, agent: &model::Agent, output: &[(LogStream, &[u8])]) -> Run {
    let store = &site.services.store;
    let revision = store.snapshot(&agent.id).await.expect("a revision");
    let new = store::NewRun {
        id: RunId::generate(),
        agent: agent.id.clone(),
        revision: revision.id,
        language: Language::Python,
        entrypoint: "agent.py".to_owned(),
        args: Vec::new(),
        timeout_seconds: 5,
        provider: Provider::Embedded,
        trigger: model::Trigger::default(),
        created_at: Millis(1),
        in_studio: true,
        person: agent.owner.clone(),
    };
    let server = store::Replica {
        id: "server".to_owned(),
        name: "server".to_owned(),
        instance: "here".to_owned(),
        lease: std::time::Duration::from_secs(60),
    };
    let (mut run, _) = store.create_run(&new, &server).await.expect("a run");
    let hold = store::Hold::first(&run.id);
    let mut offset = 0;
    for (stream, bytes) in output {
        let mut frames = Vec::new();
        encode(
            Record::Output {
                stream: *stream,
                at: Millis(2),
                bytes,
            },
            &mut frames,
        );
        let length = bytes.len() as u64;
        let chunk = store::Chunk {
            first_offset: offset,
            length,
            first_line: 0,
            at: Millis(2),
            frames,
            mark: None,
        };
        store.append_chunks(&hold, &[chunk]).await.expect("appended");
        offset += length;
    }
    let end = LogEnd {
        bytes: offset,
        lines: 0,
        sha256: String::new(),
        exact: true,
    };
    store.save_log_end(&hold, &end).await.expect("ended");
    for state in [
        RunState::Preparing,
        RunState::Running,
        RunState::Finishing,
        RunState::Succeeded,
    ] {
        run.state = state;
        run.log_bytes = offset;
        store.save_run(&hold, &run, &[]).await.expect("saved");
    }
    run
}

#[tokio::test]
async fn a_log_comes_down_as_it_was_written() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let run = ended_run(
        &site,
        &[
            (LogStream::Stdout, b"one\n"),
            (LogStream::Stderr, b"\xff two\n"),
            (LogStream::Stdout, b"three"),
        ],
    )
    .await;
    let mut request = get(&format!("/api/runs/{}/log?download=1", run.id));
    request
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    let answer = site.send(request).await;
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    assert!(
        answer.headers()[header::CONTENT_DISPOSITION]
            .to_str()
            .expect("text")
            .starts_with("attachment; filename=\"run-1-")
    );
    assert_eq!(
        answer.into_body().collect().await.expect("bytes").to_bytes(),
        &b"one\n\xff two\nthree"[..]
    );
    let part = site
        .ask_as(&cookie, get(&format!("/api/runs/{}/log?from=1&to=4", run.id)))
        .await;
    assert_eq!(part.body, "ne\n");
    let frames = site
        .ask_as(&cookie, get(&format!("/api/runs/{}/log?frames=1", run.id)))
        .await;
    let frames: Vec<LogFrame> = serde_json::from_str(&frames.body).expect("JSON");
    assert_eq!(frames.last().map(LogFrame::end), Some(run.log_bytes));
    assert!(frames.iter().any(|frame| frame.stream == Some(LogStream::Stderr)));
    let empty = ended_run(&site, &[]).await;
    let frames = site
        .ask_as(&cookie, get(&format!("/api/runs/{}/log?frames=1", empty.id)))
        .await;
    assert_eq!(frames.body, "[]\n");
}

#[tokio::test]
async fn a_reader_that_comes_again_misses_and_repeats_nothing() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let run = ended_run(
        &site,
        &[(LogStream::Stdout, b"one\n"), (LogStream::Stdout, b"two\n")],
    )
    .await;
    let read = async |path: String, last: Option<String>| {
        let mut request = get(&path);
        request
            .headers_mut()
            .insert(header::COOKIE, cookie.parse().expect("a cookie"));
        if let Some(last) = last {
            request
                .headers_mut()
                .insert("last-event-id", last.parse().expect("an id"));
        }
        let mut body = site.send(request).await.into_body();
        let mut text = String::new();
        while !text.contains("event: end") {
            let frame = body.frame().await.expect("more").expect("readable");
            text.push_str(&String::from_utf8_lossy(&frame.into_data().expect("bytes")));
        }
        text
    };
    let whole = read(format!("/api/events?runs={}", run.id), None).await;
    assert!(
        whole.contains("event: run") && whole.contains(r#""o":0"#),
        "{whole}"
    );
    assert!(whole.contains(&format!("id: {}@8.", run.id)), "{whole}");
    let rest = read(
        format!("/api/events?runs={}", run.id),
        Some(format!("{}@4.0", run.id)),
    )
    .await;
    assert!(
        !rest.contains(r#""o":0"#) && rest.contains(r#""o":4,"#) && rest.contains(r#""d":"two\n""#),
        "{rest}"
    );
}
