//! Secrets: given to programs, shown to nobody.

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    trials![
        a_secret_is_in_the_environment_and_nowhere_else,
        odd_secrets_are_refused
    ]
}

async fn a_secret_is_in_the_environment_and_nowhere_else() {
    let engine = Engine::start();
    let made = engine
        .post(
            "/secret",
            json!({"name": "token", "value": "hunter-22", "description": "d", "hosts": ["a.com"]}),
        )
        .await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&made["name"], &made["hosts"]),
        (&json!("token"), &json!(["a.com"]))
    );
    assert!(made["placeholder"].is_string() && !made.to_string().contains("hunter"));
    engine
        .post("/secret", json!({"name": "token", "value": "x"}))
        .await
        .refused(409);

    let request = json!({"secrets": [{"API_KEY": "token"}], "env": {"API_KEY": "plain", "B": "b"}});
    let sandbox = engine.make(request).await;
    assert_eq!(engine.output(&sandbox, "echo $API_KEY $B").await, "hunter-22 b\n");
    let shown = engine.get(&format!("/sandbox/{sandbox}")).await.ok().to_string();
    assert!(!shown.contains("hunter"), "{shown}");
    for folder in ["sandboxes", "secrets"] {
        for name in engine.files(folder) {
            let text = std::fs::read_to_string(engine.data.join(folder).join(name)).unwrap();
            assert!(!text.contains("hunter"), "{text}");
        }
    }
    // A change counts for the next start, another set of secrets at once.
    let change = engine
        .call(
            "PATCH",
            &format!("/secret/{id}"),
            Some(json!({"value": "other-33"})),
        )
        .await;
    assert_eq!(change.status, 200);
    engine
        .post("/secret", json!({"name": "second", "value": "two"}))
        .await
        .ok();
    let set = engine
        .call(
            "PUT",
            &format!("/sandbox/{sandbox}/secrets"),
            Some(json!({"secrets": [{"X": "second"}]})),
        )
        .await;
    assert_eq!(set.status, 200);
    assert_eq!(engine.output(&sandbox, "echo $API_KEY $X").await, "plain two\n");
    engine
        .call(
            "PUT",
            &format!("/sandbox/{sandbox}/secrets"),
            Some(json!({"secrets": [{"API_KEY": id}]})),
        )
        .await
        .ok();
    assert_eq!(engine.output(&sandbox, "echo $API_KEY $X").await, "other-33\n");
    for path in ["stop", "start"] {
        engine
            .post(&format!("/sandbox/{sandbox}/{path}"), json!({}))
            .await
            .ok();
    }
    assert_eq!(engine.output(&sandbox, "echo $API_KEY").await, "other-33\n");

    let list = engine.get("/secret/paginated?limit=1&order=asc").await.ok();
    assert_eq!(
        (&list["total"], list["items"].as_array().unwrap().len()),
        (&json!(2), 1)
    );
    let next = engine
        .get(&format!(
            "/secret/paginated?cursor={}",
            list["nextCursor"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(
        (&next["items"][0]["name"], &next["nextCursor"]),
        (&json!("token"), &json!(null))
    );
    assert_eq!(engine.get("/secret").await.ok().as_array().unwrap().len(), 2);

    let gone = engine.call("DELETE", &format!("/secret/{id}"), None).await;
    assert_eq!(gone.status, 204);
    engine.get(&format!("/secret/{id}")).await.refused(404);
    // A sandbox that needs it says so, and starts again once it does not.
    engine
        .post(&format!("/sandbox/{sandbox}/stop"), json!({}))
        .await
        .ok();
    let refused = engine.post(&format!("/sandbox/{sandbox}/start"), json!({})).await;
    assert!(
        refused.status == 404 && refused.body["message"].as_str().unwrap().contains("token"),
        "{refused:?}"
    );
    engine
        .call(
            "PUT",
            &format!("/sandbox/{sandbox}/secrets"),
            Some(json!({"secrets": []})),
        )
        .await
        .ok();
    engine
        .post(&format!("/sandbox/{sandbox}/start"), json!({}))
        .await
        .ok();
}

async fn odd_secrets_are_refused() {
    let engine = Engine::start();
    for body in [
        json!({"name": "", "value": "x"}),
        json!({"name": "a b", "value": "x"}),
        json!({"name": "a", "value": ""}),
        json!({"name": "a", "value": "x\0y"}),
        json!({"name": "a", "value": "x".repeat(100_000)}),
        json!({"name": "a"}),
    ] {
        engine.post("/secret", body).await.refused(400);
    }
    for secrets in [
        json!([{"A": "none"}]),
        json!([{"1A": "a"}]),
        json!([{"A=B": "a"}]),
    ] {
        engine
            .post("/sandbox", json!({"secrets": secrets}))
            .await
            .refused(400);
    }
    assert_eq!(engine.get("/sandbox").await.ok()["items"], json!([]));
}
