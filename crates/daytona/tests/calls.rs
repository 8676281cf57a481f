//! Calls against servers that answer, refuse, break and stall: what the client
//! sends, what it makes of the answers, and what it sends again.

use daytona::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn client(server: &MockServer) -> Client {
    let config = Config {
        api_url: format!("{}/api", server.uri()),
        ..Config::new("dtn_test")
    };
    Client::new(config).expect("a client")
}

fn toolbox_url(server: &MockServer) -> Sandbox {
    Sandbox {
        id: "s1".into(),
        toolbox_proxy_url: format!("{}/toolbox", server.uri()),
        ..Sandbox::default()
    }
}

async fn toolbox(server: &MockServer) -> Toolbox {
    client(server)
        .toolbox(&toolbox_url(server))
        .await
        .expect("a toolbox")
}

fn sandbox_json(state: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "id": "s1", "state": state }))
}

#[tokio::test]
async fn create_sends_what_the_sdks_send() {
    let server = MockServer::start().await;
    let expected = json!({
        "env": { "A": "1" }, "labels": { "pitlane.run": "r" }, "target": "eu", "autoDeleteInterval": 0,
    });
    Mock::given(method("POST"))
        .and(path("/api/sandbox"))
        .and(header("authorization", "Bearer dtn_test"))
        .and(header("x-daytona-source", "pitlane"))
        .and(header("x-daytona-sdk-version", "0.226.1"))
        .and(header("content-type", "application/json"))
        .and(body_json(expected))
        .respond_with(sandbox_json("creating"))
        .expect(1)
        .mount(&server)
        .await;
    let config = Config {
        api_url: format!("{}/api/", server.uri()),
        target: Some("eu".into()),
        ..Config::new("dtn_test")
    };
    let request = CreateSandbox {
        env: BTreeMap::from([("A".into(), "1".into())]),
        labels: BTreeMap::from([("pitlane.run".into(), "r".into())]),
        auto_delete_interval: Some(0),
        ..CreateSandbox::default()
    };
    let sandbox = Client::new(config)
        .expect("a client")
        .create(&request)
        .await
        .expect("a sandbox");
    assert_eq!(sandbox.state, Some(SandboxState::Creating));
}

#[tokio::test]
async fn a_post_that_was_answered_is_not_sent_again() {
    for status in [400, 404, 409, 500, 502, 503, 504] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let error = client(&server)
            .create(&CreateSandbox::default())
            .await
            .expect_err("refused");
        assert_eq!(error.status(), Some(status));
    }
}

#[tokio::test]
async fn a_get_and_a_delete_outlive_a_failing_gateway() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(sandbox_json("started"))
        .mount(&server)
        .await;
    assert_eq!(
        client(&server).get("s1").await.expect("a sandbox").state,
        Some(SandboxState::Started)
    );
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(504))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    // Not found after an answer that leaves it open: the first one deleted.
    client(&server).delete("s1").await.expect("deleted");
    let error = client(&server)
        .delete("s1")
        .await
        .expect_err("not there from the start");
    assert!(error.is_not_found());
}

#[tokio::test]
async fn the_rate_limit_is_waited_for() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429)
        .insert_header("Retry-After-sandbox-create", "1")
        .set_body_json(
            json!({ "statusCode": 429, "message": "Rate limit exceeded", "error": "Too Many Requests" }),
        );
    Mock::given(method("POST"))
        .respond_with(limited)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(sandbox_json("started"))
        .expect(1)
        .mount(&server)
        .await;
    let started = Instant::now();
    client(&server)
        .create(&CreateSandbox::default())
        .await
        .expect("a sandbox");
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_rate_limit_beyond_patience_is_handed_on() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429).insert_header("Retry-After", "3600");
    Mock::given(method("POST"))
        .respond_with(limited)
        .expect(1)
        .mount(&server)
        .await;
    let error = client(&server)
        .create(&CreateSandbox::default())
        .await
        .expect_err("limited");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(error.is_retryable() && !error.may_have_executed());
}

#[tokio::test]
async fn a_sandbox_without_an_address_yet_is_asked_again() {
    let server = MockServer::start().await;
    let message = "bad request: failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?";
    let early = ResponseTemplate::new(400).set_body_json(json!({ "statusCode": 400, "message": message }));
    Mock::given(method("POST"))
        .respond_with(early)
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let done = ResponseTemplate::new(200).set_body_json(json!({ "exitCode": 3, "result": "hi\n" }));
    Mock::given(method("POST"))
        .and(path("/toolbox/s1/process/execute"))
        .respond_with(done)
        .expect(1)
        .mount(&server)
        .await;
    let answer = toolbox(&server)
        .await
        .execute(ExecuteRequest::new("echo hi; exit 3"))
        .await
        .expect("an answer");
    assert_eq!((answer.exit_code, answer.result.as_str()), (3, "hi\n"));
}

#[tokio::test]
async fn errors_keep_what_the_provider_said() {
    let server = MockServer::start().await;
    let body = json!({
        "statusCode": 408, "message": "request timeout: command execution timeout",
        "code": "PROCESS_EXECUTION_TIMEOUT", "source": "DAYTONA_DAEMON",
    });
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(408).set_body_json(body))
        .mount(&server)
        .await;
    let request = ExecuteRequest {
        timeout: Some(1),
        ..ExecuteRequest::new("sleep 5")
    };
    let error = toolbox(&server)
        .await
        .execute(request)
        .await
        .expect_err("too slow");
    let refusal = error.refusal().expect("an answer");
    assert_eq!(refusal.status, 408);
    assert_eq!(refusal.code.as_deref(), Some(codes::PROCESS_EXECUTION_TIMEOUT));
    assert_eq!(refusal.source.as_deref(), Some("DAYTONA_DAEMON"));
    assert!(error.is_execution_timeout() && !error.is_retryable());
    assert_eq!(
        error.to_string(),
        "POST /process/execute was refused: request timeout: command execution timeout (HTTP 408, PROCESS_EXECUTION_TIMEOUT)"
    );
}

#[tokio::test]
async fn waiting_follows_the_states() {
    let server = MockServer::start().await;
    for state in ["creating", "pulling_snapshot"] {
        Mock::given(method("GET"))
            .respond_with(sandbox_json(state))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("GET"))
        .respond_with(sandbox_json("started"))
        .mount(&server)
        .await;
    let client = client(&server);
    let patience = Duration::from_secs(30);
    let sandbox = client
        .wait("s1", &[SandboxState::Started], patience)
        .await
        .expect("started");
    assert_eq!(sandbox.state, Some(SandboxState::Started));
    let error = client
        .wait("s1", &[SandboxState::Stopped], Duration::from_millis(150))
        .await
        .expect_err("never");
    assert!(
        matches!(
            error,
            Error::WaitTimedOut {
                state: SandboxState::Started,
                ..
            }
        ),
        "{error}"
    );

    server.reset().await;
    let failed = json!({ "id": "s1", "state": "build_failed", "errorReason": "no such image" });
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(failed))
        .mount(&server)
        .await;
    let error = client
        .wait("s1", &[SandboxState::Started], patience)
        .await
        .expect_err("failed");
    assert_eq!(
        error.to_string(),
        "Sandbox s1 went into the state build_failed: no such image"
    );

    server.reset().await;
    let gone = client
        .wait("s1", &[SandboxState::Destroyed], patience)
        .await
        .expect("gone");
    assert_eq!(gone.state, Some(SandboxState::Destroyed));
    assert!(
        client
            .wait("s1", &[SandboxState::Started], patience)
            .await
            .expect_err("gone")
            .is_not_found()
    );
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let server = MockServer::start().await;
    let page = |ids: &[&str], next: Option<&str>| {
        let items: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "items": items, "nextCursor": next }))
    };
    let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    Mock::given(query_param("cursor", "2"))
        .and(query_param("labels", r#"{"a":"b"}"#))
        .respond_with(page(&["z"], None))
        .mount(&server)
        .await;
    Mock::given(path("/api/sandbox"))
        .respond_with(page(&["x", "y"], Some("2")))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let found = client(&server).list_all(&labels).await.expect("a list");
    let ids: Vec<&str> = found.iter().map(|sandbox| sandbox.id.as_str()).collect();
    assert_eq!(ids, ["x", "y", "z"]);

    server.reset().await;
    Mock::given(path("/api/sandbox"))
        .respond_with(page(&["x"], Some("1")))
        .mount(&server)
        .await;
    let error = client(&server).list_all(&labels).await.expect_err("a circle");
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn ids_stay_in_their_place_in_the_path() {
    let server = MockServer::start().await;
    Mock::given(path("/api/sandbox/a%2Fb%3Fc%20.."))
        .respond_with(sandbox_json("started"))
        .mount(&server)
        .await;
    client(&server).get("a/b?c ..").await.expect("the encoded path");
    for id in ["", ".", ".."] {
        let error = client(&server).delete(id).await.expect_err("another call");
        assert!(matches!(error, Error::Config(_)), "{error}");
    }
}

#[tokio::test]
async fn a_missing_toolbox_address_is_asked_for() {
    let server = MockServer::start().await;
    let url = json!({ "url": format!("{}/toolbox", server.uri()) });
    Mock::given(path("/api/sandbox/s1/toolbox-proxy-url"))
        .respond_with(ResponseTemplate::new(200).set_body_json(url))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/toolbox/s1/work-dir"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "dir": "/home/daytona" })))
        .mount(&server)
        .await;
    let sandbox = Sandbox {
        toolbox_proxy_url: String::new(),
        ..toolbox_url(&server)
    };
    let toolbox = client(&server).toolbox(&sandbox).await.expect("a toolbox");
    assert_eq!(toolbox.work_dir().await.expect("a directory"), "/home/daytona");
}

#[tokio::test]
async fn the_end_of_a_session_is_counted_where_the_provider_counts() {
    let server = MockServer::start().await;
    let counted = ResponseTemplate::new(204)
        .insert_header("X-Pitlane-Ended", "3")
        .insert_header("X-Pitlane-Left", "0");
    Mock::given(method("DELETE"))
        .and(path("/toolbox/s1/process/session/run-1"))
        .and(query_param("graceMs", "2000"))
        .respond_with(counted)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let toolbox = toolbox(&server).await;
    let end = toolbox
        .delete_session("run-1", Some(Duration::from_secs(2)))
        .await
        .expect("ended");
    assert_eq!(
        end,
        SessionEnd {
            ended: Some(3),
            left: Some(0)
        }
    );
    assert_eq!(
        toolbox.delete_session("run-1", None).await.expect("ended"),
        SessionEnd::default()
    );
}

#[tokio::test]
async fn answers_of_the_wrong_kind_are_named() {
    let server = MockServer::start().await;
    let html = ResponseTemplate::new(200).set_body_raw("<html>a portal</html>", "text/html");
    Mock::given(method("GET")).respond_with(html).mount(&server).await;
    let error = client(&server).get("s1").await.expect_err("not JSON");
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    server.reset().await;
    let long = ResponseTemplate::new(200).set_body_raw(vec![b' '; 17 * 1024 * 1024], "application/json");
    Mock::given(method("GET")).respond_with(long).mount(&server).await;
    let error = client(&server).get("s1").await.expect_err("too long");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    server.reset().await;
    let moved = ResponseTemplate::new(302).insert_header("location", "https://example.com/");
    Mock::given(method("POST"))
        .respond_with(moved)
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        client(&server)
            .create(&CreateSandbox::default())
            .await
            .expect_err("moved")
            .status(),
        Some(302)
    );
}
