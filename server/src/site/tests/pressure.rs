//! Clients that ask for more than their share.

use super::*;
use crate::site::Limits;
use futures::StreamExt as _;

/// A site with these limits, its owner's cookie, and an agent.
async fn limited(limits: Limits) -> (TestSite, String, model::Agent) {
    let mut site = site().await;
    site.site.pressure = std::sync::Arc::new(crate::site::pressure::Pressure::new(limits));
    site.router = router(site.site.clone());
    let (cookie, agent) = (site.sign_in().await, site.agent().await);
    (site, cookie, agent)
}

fn with_cookie(cookie: &str, mut request: Request<Body>) -> Request<Body> {
    request
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    request
}

/// A body that does not say how long it is.
fn endless(pieces: usize, size: usize) -> Body {
    let piece = bytes::Bytes::from(vec![b'x'; size]);
    Body::from_stream(futures::stream::iter(std::iter::repeat_n(piece, pieces)).map(Ok::<_, std::io::Error>))
}

#[tokio::test]
async fn starts_are_counted_and_the_headers_say_where_one_stands() {
    let (site, cookie, agent) = limited(Limits {
        starts_per_minute: 2,
        ..Limits::default()
    })
    .await;
    let start = async || {
        let body = serde_json::json!({
            "id": model::RunId::generate(), "agent": agent.id, "fresh": false,
        });
        let request = request("POST", "/fn/start_run")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        site.ask_as(&cookie, request).await
    };
    let first = start().await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(first.header("ratelimit-policy"), "\"starts\";q=2;w=60");
    assert_eq!(first.header("ratelimit"), "\"starts\";r=1;t=60");
    // The agent has an unfinished run or not by now: a start was asked for in both cases.
    assert_ne!(start().await.status, StatusCode::TOO_MANY_REQUESTS);
    let third = start().await;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(third.header("ratelimit").starts_with("\"starts\";r=0;t="));
    let wait: u64 = third.header(header::RETRY_AFTER).parse().expect("seconds");
    assert!((1..=60).contains(&wait));
    let error: app::UiError = serde_json::from_str(&third.body).expect("the shape of all refusals");
    assert!(
        error.text.starts_with("You started as many runs as one may"),
        "{error}"
    );
}

#[tokio::test]
async fn one_person_has_so_many_streams_and_gets_them_back() {
    let (site, cookie, _) = limited(Limits {
        streams_per_person: 2,
        ..Limits::default()
    })
    .await;
    let open = async || site.send(with_cookie(&cookie, get("/api/events"))).await;
    let (first, second) = (open().await, open().await);
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let refused = open().await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "10");
    drop(first);
    assert_eq!(open().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn answers_that_nobody_reads_are_so_many_and_keep_nobody_else_out() {
    let (site, cookie, agent) = limited(Limits::default()).await;
    let path = format!("/api/agents/{}/files/agent.py", agent.id);
    let mut unread = Vec::new();
    let refused = loop {
        let answer = site.send(with_cookie(&cookie, get(&path))).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        unread.push(answer);
        assert!(unread.len() < 100, "there is a limit");
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(
        site.ask(get("/sign-in")).await.status,
        StatusCode::OK,
        "another client"
    );
    drop((unread, refused));
    assert_eq!(
        site.send(with_cookie(&cookie, get(&path))).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn fetched_files_take_their_share_of_memory_and_no_more() {
    let (site, cookie, agent) = limited(Limits::default()).await;
    let path = model::FilePath::parse("big.bin").expect("a path");
    let big = vec![7; model::file::MAX_FILE_BYTES as usize];
    let saved = site
        .site
        .services
        .store
        .save_file(&agent.id, &path, &big, None)
        .await;
    saved.expect("saved");
    let path = format!("/api/agents/{}/files/big.bin", agent.id);
    let mut unread = Vec::new();
    let refused = loop {
        let answer = site.send(with_cookie(&cookie, get(&path))).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        unread.push(answer);
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(unread.len() * big.len() <= 96 << 20, "{}", unread.len());
    drop(unread);
    assert_eq!(
        site.send(with_cookie(&cookie, get(&path))).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_body_without_length_is_refused_in_words_when_it_is_too_large() {
    let (site, cookie, agent) = limited(Limits::default()).await;
    let put = request("PUT", &format!("/api/agents/{}/files/big.bin", agent.id))
        .body(endless(70, 1_000_000))
        .expect("a request");
    let answer = site.ask_as(&cookie, put).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
    assert!(answer.body.contains("a file may have"), "{}", answer.body);
    let list = request("POST", "/fn/list_runs")
        .header(header::CONTENT_TYPE, "application/json")
        .body(endless(3, 1_000_000))
        .expect("a request");
    let answer = site.ask_as(&cookie, list).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
    assert!(answer.body.contains("is the limit"), "{}", answer.body);
}

#[tokio::test]
async fn a_stranger_may_send_little() {
    let (site, ..) = limited(Limits::default()).await;
    let send = async |bytes: usize| {
        let request = request("POST", "/fn/sign_in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(endless(1, bytes))
            .expect("a request");
        site.ask(request).await.status
    };
    assert_ne!(send(1000).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(100_000).await, StatusCode::PAYLOAD_TOO_LARGE);
}
