//! Snapshots as resources: general ones, made from images, listed, switched off
//! and deleted.

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    trials![
        snapshots_are_made_listed_and_deleted,
        what_no_snapshot_can_be_is_refused
    ]
}

async fn snapshots_are_made_listed_and_deleted() {
    let engine = Engine::start();
    let made = engine
        .post(
            "/snapshots",
            json!({"name": "mine", "imageName": "daytona-medium", "cpu": 3, "entrypoint": ["sleep", "1"]}),
        )
        .await;
    assert_eq!(made.status, 200);
    let made = made.ok();
    assert_eq!(
        (&made["state"], &made["cpu"], &made["mem"]),
        (&json!("active"), &json!(3.0), &json!(4.0))
    );
    assert_eq!(made["entrypoint"], json!(["sleep", "1"]));
    for key in ["size", "errorReason", "lastUsedAt", "sourceSandboxId"] {
        assert!(
            made[key].is_null() && made.as_object().unwrap().contains_key(key),
            "{key}"
        );
    }
    let id = made["id"].as_str().unwrap().to_owned();
    engine
        .post(
            "/snapshots",
            json!({"name": "mine", "imageName": "daytona-small"}),
        )
        .await
        .refused(409);

    let list = engine.get("/snapshots?sort=name&order=asc").await.ok();
    assert_eq!(
        (&list["total"], &list["page"], &list["totalPages"]),
        (&json!(4), &json!(1), &json!(1))
    );
    let names: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["daytona-large", "daytona-medium", "daytona-small", "mine"]
    );
    let page = engine
        .get("/snapshots?page=2&limit=3&sort=name&order=asc")
        .await
        .ok();
    assert_eq!(
        (page["items"].as_array().unwrap().len(), &page["totalPages"]),
        (1, &json!(2))
    );
    assert_eq!(engine.get("/snapshots?name=MIN").await.ok()["total"], 1);
    engine.get("/snapshots?limit=0").await.refused(400);
    assert_eq!(engine.get(&format!("/snapshots/{id}")).await.ok()["name"], "mine");
    assert_eq!(engine.get("/snapshots/daytona-small").await.ok()["general"], true);

    let sandbox = engine
        .make(json!({"snapshot": "mine", "autoDeleteInterval": 0}))
        .await;
    let shown = engine.get(&format!("/sandbox/{sandbox}")).await.ok();
    assert_eq!(
        (&shown["snapshot"], &shown["cpu"], &shown["memory"]),
        (&json!("mine"), &json!(3), &json!(4))
    );
    assert!(engine.get("/snapshots/mine").await.ok()["lastUsedAt"].is_string());
    let by_id = engine
        .make(json!({"snapshot": id, "autoDeleteInterval": 0}))
        .await;
    assert_eq!(
        engine.get(&format!("/sandbox/{by_id}")).await.ok()["snapshot"],
        "mine"
    );

    let off = engine
        .post(&format!("/snapshots/{id}/deactivate"), json!({}))
        .await;
    assert_eq!((off.status, off.body), (204, json!("")));
    let refused = engine
        .post("/sandbox", json!({"snapshot": "mine"}))
        .await
        .refused(400);
    assert_eq!(refused, "Snapshot mine is inactive");
    assert_eq!(
        engine
            .post(&format!("/snapshots/{id}/activate"), json!({}))
            .await
            .ok()["state"],
        "active"
    );

    let gone = engine.call("DELETE", &format!("/snapshots/{id}"), None).await;
    assert_eq!(gone.status, 200);
    assert_eq!(
        engine.get("/snapshots/mine").await.refused(404),
        "Snapshot with ID or name mine not found"
    );
    assert!(engine.files("snapshots").is_empty());
    // Its sandboxes go on.
    assert_eq!(engine.output(&sandbox, "echo on").await, "on\n");
}

async fn what_no_snapshot_can_be_is_refused() {
    let engine = Engine::start();
    for (body, said) in [
        (json!({"name": "a"}), "imageName or a buildInfo"),
        (json!({"name": "", "imageName": "daytona-small"}), "name"),
        (json!({"name": "a b", "imageName": "daytona-small"}), "name"),
        (
            json!({"name": "a", "imageName": "python:3.12"}),
            "image_substitution",
        ),
        (
            json!({"name": "a", "imageName": "evil/thing:1"}),
            "has no registry",
        ),
        (
            json!({"name": "a", "imageName": "daytona-small", "gpu": 1}),
            "GPU",
        ),
        (
            json!({"name": "a", "imageName": "daytona-small", "cpu": 0}),
            "cpu",
        ),
        (
            json!({"name": "a", "imageName": "daytona-small", "buildInfo": {"dockerfileContent": "FROM x"}}),
            "both",
        ),
        (
            json!({"name": "a", "buildInfo": {"dockerfileContent": ""}}),
            "FROM",
        ),
    ] {
        let refused = engine.post("/snapshots", body.clone()).await.refused(400);
        assert!(refused.contains(said), "{body}: {refused}");
    }
    for method in ["DELETE", "POST"] {
        let path = if method == "POST" {
            "/snapshots/daytona-small/deactivate"
        } else {
            "/snapshots/daytona-small"
        };
        engine.call(method, path, None).await.refused(403);
    }
    let unknown = engine
        .post("/sandbox", json!({"snapshot": "none"}))
        .await
        .refused(400);
    assert_eq!(
        unknown,
        "Snapshot none not found. Did you add it through the Daytona Dashboard?"
    );
    assert_eq!(engine.get("/snapshots").await.ok()["total"], 3);
    let taken = engine
        .post(
            "/snapshots",
            json!({"name": "daytona-large", "imageName": "daytona-small"}),
        )
        .await;
    taken.refused(409);
}
