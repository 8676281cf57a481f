//! Files up and down, and what is too large.

use super::*;

#[tokio::test]
async fn a_file_goes_up_and_comes_down_byte_for_byte() {
    let site = site().await;
    let (cookie, agent) = (site.sign_in().await, site.agent().await);
    let path = format!("/api/agents/{}/files/data/%C3%A9t%C3%A9.bin", agent.id);
    let bytes: Vec<u8> = (0..=255).collect();
    let put = |bytes: Vec<u8>, version: Option<&str>| {
        let mut put = request("PUT", &path);
        if let Some(version) = version {
            put = put.header(header::IF_MATCH, version);
        }
        put.body(Body::from(bytes)).expect("a request")
    };
    let saved = site.ask_as(&cookie, put(bytes.clone(), None)).await;
    assert_eq!(
        (saved.status, saved.header(header::ETAG)),
        (StatusCode::OK, "\"1\""),
        "{}",
        saved.body
    );
    let unseen = site.ask_as(&cookie, put(vec![1], None)).await;
    assert_eq!(
        unseen.status,
        StatusCode::PRECONDITION_FAILED,
        "nothing is overwritten unseen"
    );
    let stale = site.ask_as(&cookie, put(vec![1], Some("\"7\""))).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let mut download = get(&path);
    download
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    let answer = site.send(download).await;
    assert!(
        answer.headers()[header::CONTENT_DISPOSITION]
            .to_str()
            .expect("text")
            .contains("%C3%A9t%C3%A9.bin")
    );
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(
        axum::body::to_bytes(answer.into_body(), 1000)
            .await
            .expect("bytes"),
        bytes
    );
    let changed = site.ask_as(&cookie, put(vec![1], Some("\"1\""))).await;
    assert_eq!(changed.header(header::ETAG), "\"2\"");
}

#[tokio::test]
async fn paths_that_leave_the_agent_are_refused() {
    let site = site().await;
    let (cookie, agent) = (site.sign_in().await, site.agent().await);
    for name in [
        "..%2Fx",
        "a%2F..%2F..%2Fx",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "%0A",
        "a%5Cb",
        &"x".repeat(300),
    ] {
        let path = format!("/api/agents/{}/files/{name}", agent.id);
        let put = request("PUT", &path).body(Body::from("x")).expect("a request");
        let answer = site.ask_as(&cookie, put).await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.status);
    }
}

#[tokio::test]
async fn what_is_too_large_is_told_its_size_and_the_limit() {
    let site = site().await;
    let (cookie, agent) = (site.sign_in().await, site.agent().await);
    let path = format!("/api/agents/{}/files/big.bin", agent.id);
    let put = request("PUT", &path)
        .body(Body::from(vec![0; 21_000_000]))
        .expect("a request");
    let answer = site.ask_as(&cookie, put).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        answer.body.contains("21.0 MB") && answer.body.contains("5.0 MB"),
        "{}",
        answer.body
    );
    // As JSON to the function the editor saves with.
    let text = serde_json::json!({ "agent": agent.id, "path": "big.py", "text": "#".repeat(21_000_000), "base": null });
    let save = request("POST", "/fn/save_file")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(text.to_string()));
    let answer = site.ask_as(&cookie, save.expect("a request")).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert!(
        answer.body.contains("21.0 MB") && answer.body.contains("5.0 MB"),
        "{}",
        answer.body
    );
    // And what is over every limit, before it is read.
    let declared = request("POST", "/fn/start_run")
        .header(header::CONTENT_LENGTH, "3000000")
        .body(Body::from(vec![0; 3_000_000]));
    let answer = site.ask_as(&cookie, declared.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        answer.body.contains("3.0 MB") && answer.body.contains("2.0 MB"),
        "{}",
        answer.body
    );
}
