//! Runs, revisions, secrets and sandboxes through the router, where no provider answers: what is
//! there, what is not, and whose words are told.

use super::*;
use serde_json::json;

const NOBODY: &str = "0199f3b2-6c1e-7d4a-8f00-0123456789ab";

#[tokio::test]
async fn a_run_is_started_once_listed_and_compared() {
    let site = site().await;
    let cookie = site.sign_in().await;
    site.agent().await;
    let start = async || {
        let key = [("idempotency-key", "k")];
        let body = Some(json!({"args": ["a"]}));
        site.json_with(&cookie, "POST", "/api/v1/agents/scout/runs", &key, body)
            .await
    };
    let (made, run) = start().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let id = run["id"].as_str().expect("an id");
    assert_eq!(made.header(header::LOCATION), format!("/api/v1/runs/{id}"));
    assert_eq!(run["args"], json!(["a"]));
    assert_eq!(start().await.1["id"], run["id"], "the same run");
    // Without a provider it is lost, after which another can be started.
    let id = model::RunId::parse(id).expect("an id");
    let ended = site.site.services.runs.stop(&id);
    ended.await.expect("stopped");
    site.site.services.runs.ended(&id).await.expect("ended");
    let (again, other) = site
        .json(&cookie, "POST", "/api/v1/agents/scout/runs", None)
        .await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    for list in ["/api/v1/runs", "/api/v1/agents/scout/runs"] {
        let (_, page) = site.json(&cookie, "GET", &format!("{list}?limit=1"), None).await;
        assert_eq!(page["items"][0]["id"], other["id"]);
        let cursor = page["next_cursor"].as_str().expect("a cursor");
        let (_, page) = site
            .json(&cookie, "GET", &format!("{list}?limit=1&cursor={cursor}"), None)
            .await;
        assert_eq!(
            (&page["items"][0]["id"], &page["next_cursor"]),
            (&run["id"], &Value::Null)
        );
    }
    let pair = format!(
        "/api/v1/compare/runs?a={id}&b={}",
        other["id"].as_str().expect("an id")
    );
    let (_, compared) = site.json(&cookie, "GET", &pair, None).await;
    assert_eq!(
        (&compared["files"], &compared["output"]),
        (&json!([]), &json!(""))
    );
    for (method, path) in [
        ("GET", format!("/api/v1/runs/{NOBODY}")),
        ("POST", format!("/api/v1/runs/{NOBODY}/stop")),
        ("POST", format!("/api/v1/runs/{NOBODY}/stdin")),
        ("GET", format!("/api/v1/runs/{NOBODY}/log")),
    ] {
        let (missing, _) = site.json(&cookie, method, &path, None).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn revisions_are_listed_and_compared_and_keep_their_files() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let store = &site.site.services.store;
    let first = store.snapshot(&agent.id).await.expect("a revision");
    let path = "/api/v1/agents/scout/files/agent.py";
    let put = request("PUT", path)
        .body(Body::from("print(2)\n"))
        .expect("a request");
    assert_eq!(site.ask_as(&cookie, put).await.status, StatusCode::OK);
    let second = store.snapshot(&agent.id).await.expect("a revision");
    let (_, page) = site
        .json(&cookie, "GET", "/api/v1/agents/scout/revisions?limit=1", None)
        .await;
    assert_eq!(
        (&page["items"][0]["number"], &page["next_cursor"]),
        (&json!(2), &json!("2"))
    );
    let (_, page) = site
        .json(&cookie, "GET", "/api/v1/agents/scout/revisions?cursor=2", None)
        .await;
    assert_eq!(
        (&page["items"][0]["id"], &page["next_cursor"]),
        (&json!(first.id), &Value::Null)
    );
    let old = site
        .ask_as(
            &cookie,
            get(&format!("/api/v1/revisions/{}/files/agent.py", first.id)),
        )
        .await;
    assert_eq!(old.body, "print(1)\n");
    let pair = format!("/api/v1/revisions/{}/compare?with={}", first.id, second.id);
    let (_, found) = site.json(&cookie, "GET", &pair, None).await;
    assert_eq!(found[0]["change"], "changed");
    assert!(
        found[0]["diff"]
            .as_str()
            .is_some_and(|diff| diff.contains("-print(1)\n+print(2)")),
        "{found}"
    );
    let (missing, _) = site
        .json(&cookie, "GET", &format!("/api/v1/revisions/{NOBODY}"), None)
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_secret_goes_in_and_to_an_agent_and_never_out() {
    let site = site().await;
    let cookie = site.sign_in().await;
    site.agent().await;
    let new = json!({"name": "API_KEY", "value": "correct horse battery"});
    let (made, secret) = site
        .json(&cookie, "POST", "/api/v1/secrets", Some(new.clone()))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let (taken, _) = site.json(&cookie, "POST", "/api/v1/secrets", Some(new)).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let path = format!("/api/v1/secrets/{}", secret["id"].as_str().expect("an id"));
    let other = Some(json!({"value": "another horse battery"}));
    assert_eq!(
        site.json(&cookie, "PUT", &path, other).await.0.status,
        StatusCode::NO_CONTENT
    );
    let variables = json!({"variables": [{"name": "MODE", "value": {"plain": "fast"}}, {"name": "KEY", "value": {"secret": secret["id"]}}]});
    let (saved, same) = site
        .json(
            &cookie,
            "PUT",
            "/api/v1/agents/scout/variables",
            Some(variables.clone()),
        )
        .await;
    assert_eq!((saved.status, &same), (StatusCode::OK, &variables));
    let (_, same) = site
        .json(&cookie, "GET", "/api/v1/agents/scout/variables", None)
        .await;
    assert_eq!(same, variables);
    let (list, page) = site.json(&cookie, "GET", "/api/v1/secrets", None).await;
    assert_eq!(page["items"][0]["used_by"][0]["slug"], "scout");
    assert!(!list.body.contains("horse"), "{}", list.body);
    assert_eq!(
        site.json(&cookie, "DELETE", &path, None).await.0.status,
        StatusCode::CONFLICT
    );
    let none = Some(json!({"variables": []}));
    site.json(&cookie, "PUT", "/api/v1/agents/scout/variables", none)
        .await;
    assert_eq!(
        site.json(&cookie, "DELETE", &path, None).await.0.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn a_sandbox_that_is_not_there_is_told_so_by_every_endpoint() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let (list, page) = site.json(&cookie, "GET", "/api/v1/sandboxes", None).await;
    assert_eq!(
        (list.status, page),
        (StatusCode::OK, json!({"items": [], "next_cursor": null}))
    );
    for (method, below, body) in [
        ("POST", "/stop", None),
        ("POST", "/archive", None),
        ("POST", "/restore", None),
        ("DELETE", "", None),
        ("GET", "/ports/8000", None),
        ("GET", "/files?path=.", None),
        ("GET", "/file?path=a", None),
        ("PUT", "/file?path=a", None),
        ("DELETE", "/file?path=a", None),
        (
            "POST",
            "/git/clone",
            Some(json!({"url": "https://git.example/a.git", "path": "a"})),
        ),
        ("GET", "/processes", None),
        ("POST", "/processes", Some(json!({"command": "true"}))),
        ("GET", "/processes/process-x/log", None),
        ("DELETE", "/processes/process-x", None),
    ] {
        for name in [NOBODY, "no-such-sandbox"] {
            let path = format!("/api/v1/sandboxes/{name}{below}");
            let (answer, problem) = site.json(&cookie, method, &path, body.clone()).await;
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{method} {path}: {}",
                answer.body
            );
            assert!(
                problem["detail"]
                    .as_str()
                    .is_some_and(|detail| detail.contains("no such sandbox"))
            );
        }
    }
}
