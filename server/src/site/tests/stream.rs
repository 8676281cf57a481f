//! The stream of events, and the log.

use super::*;
use http_body_util::BodyExt;

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
