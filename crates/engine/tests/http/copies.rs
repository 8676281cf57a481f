//! Snapshots and forks of sandboxes.

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::{Engine, eventually};

pub fn trials() -> Vec<Trial> {
    trials![
        a_snapshot_of_a_sandbox_makes_others,
        a_fork_is_a_copy_that_goes_its_own_way,
        a_linked_sandbox_goes_with_its_other,
    ]
}

async fn a_snapshot_of_a_sandbox_makes_others() {
    let engine = Engine::start();
    let id = engine.make(json!({"env": {"A": "1"}, "disk": 2})).await;
    engine
        .output(
            &id,
            "mkdir -p d && echo first > d/f && head -c 5M /dev/urandom > blob && sha256sum blob > sum",
        )
        .await;
    let snapshot = format!("/sandbox/{id}/snapshot");
    let memory = engine
        .post(&snapshot, json!({"name": "x", "includeMemory": true}))
        .await;
    assert!(memory.refused(400).contains("memory snapshots"));
    assert_eq!(
        engine.post(&snapshot, json!({"name": "snap"})).await.ok()["state"],
        "started"
    );
    let taken = engine.post(&snapshot, json!({"name": "snap"})).await;
    assert_eq!(taken.refused(409), "Snapshot with name snap already exists");
    engine
        .post(&snapshot, json!({"name": "daytona-small"}))
        .await
        .refused(409);
    engine.post(&snapshot, json!({"name": ""})).await.refused(400);
    let shown = engine.get("/snapshots/snap").await.ok();
    assert_eq!(
        (&shown["state"], &shown["disk"], &shown["general"]),
        (&json!("active"), &json!(2.0), &json!(false))
    );
    assert_eq!(shown["sourceSandboxId"], json!(id));
    assert!(shown["size"].as_f64().unwrap() > 0.004);

    // The sandbox goes on; the snapshot does not change.
    engine.output(&id, "echo second > d/f").await;
    for ephemeral in [-1, 0] {
        let made = engine
            .make(json!({"snapshot": "snap", "autoDeleteInterval": ephemeral}))
            .await;
        assert_eq!(
            engine.output(&made, "cat d/f; sha256sum -c sum; echo A=$A").await,
            "first\nblob: OK\nA=\n"
        );
        let shown = engine.get(&format!("/sandbox/{made}")).await.ok();
        assert_eq!((&shown["snapshot"], &shown["disk"]), (&json!("snap"), &json!(2)));
    }
    // Of a stopped one too, which is not started for it.
    engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok();
    assert_eq!(
        engine.post(&snapshot, json!({"name": "later"})).await.ok()["state"],
        "stopped"
    );
    let made = engine
        .make(json!({"snapshot": "later", "autoDeleteInterval": 0}))
        .await;
    assert_eq!(engine.output(&made, "cat d/f").await, "second\n");
    // And of an archived one.
    engine
        .post(&format!("/sandbox/{id}/archive"), json!({}))
        .await
        .ok();
    assert_eq!(
        engine.post(&snapshot, json!({"name": "archive"})).await.ok()["state"],
        "archived"
    );
    engine.call("DELETE", &format!("/sandbox/{id}"), None).await.ok();
    let made = engine
        .make(json!({"snapshot": "archive", "autoDeleteInterval": 0}))
        .await;
    assert_eq!(engine.output(&made, "cat d/f").await, "second\n");
}

async fn a_fork_is_a_copy_that_goes_its_own_way() {
    let engine = Engine::start();
    let request = json!({"name": "one", "env": {"A": "1"}, "labels": {"l": "v"}, "public": true});
    let one = engine.make(request).await;
    engine.output(&one, "echo shared > f").await;
    let fork = engine
        .post("/sandbox/one/fork", json!({"name": "two"}))
        .await
        .ok();
    assert_eq!(
        (&fork["state"], &fork["name"]),
        (&json!("started"), &json!("two"))
    );
    assert_eq!(
        (&fork["labels"]["l"], &fork["public"]),
        (&json!("v"), &json!(true))
    );
    let two = fork["id"].as_str().unwrap().to_owned();
    assert_eq!(engine.output(&two, "cat f; echo $A").await, "shared\n1\n");
    engine.output(&two, "echo own > f").await;
    assert_eq!(engine.output(&one, "cat f").await, "shared\n");
    assert_eq!(engine.state(&one).await, "started");
    engine
        .post("/sandbox/one/fork", json!({"name": "two"}))
        .await
        .refused(409);

    // Of a stopped one, without a name; the fork of a fork.
    engine.post("/sandbox/two/stop", json!({})).await.ok();
    let three = engine.post("/sandbox/two/fork", json!({})).await.ok();
    assert_eq!(
        (&three["state"], &three["name"]),
        (&json!("started"), &three["id"])
    );
    assert_eq!(engine.state(&two).await, "stopped");
    let three = three["id"].as_str().unwrap().to_owned();
    assert_eq!(engine.output(&three, "cat f").await, "own\n");

    let ids = |list: &serde_json::Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(&engine.get("/sandbox/one/forks").await.ok()),
        std::slice::from_ref(&two)
    );
    assert_eq!(engine.get("/sandbox/two/parent").await.ok()["id"], json!(one));
    assert_eq!(
        ids(&engine.get(&format!("/sandbox/{three}/ancestors")).await.ok()),
        [two.clone(), one.clone()]
    );
    engine.get("/sandbox/one/parent").await.refused(404);
    let refused = engine.call("DELETE", "/sandbox/one", None).await.refused(400);
    assert!(refused.contains("forks"), "{refused}");
    for id in [&three, &two, &one] {
        engine.call("DELETE", &format!("/sandbox/{id}"), None).await.ok();
    }
    for kind in ["homes", "archives", "spool", "sandboxes"] {
        assert!(engine.files(kind).is_empty(), "{kind}");
    }
}

async fn a_linked_sandbox_goes_with_its_other() {
    let engine = Engine::start();
    let main = engine.make(json!({"name": "main"})).await;
    let kept = engine
        .post("/sandbox", json!({"linkedSandbox": "main"}))
        .await
        .refused(400);
    assert!(kept.contains("ephemeral"), "{kept}");
    engine
        .post(
            "/sandbox",
            json!({"linkedSandbox": "none", "autoDeleteInterval": 0}),
        )
        .await
        .refused(400);
    let linked = engine
        .make(json!({"linkedSandbox": "main", "autoDeleteInterval": 0}))
        .await;
    let shown = engine.get(&format!("/sandbox/{linked}")).await.ok();
    assert_eq!(shown["linkedSandboxId"], json!(main));
    let chain = json!({"linkedSandbox": linked, "autoDeleteInterval": 0});
    engine.post("/sandbox", chain).await.refused(400);
    engine.call("DELETE", "/sandbox/main", None).await.ok();
    eventually("the linked one goes", async || {
        engine.get(&format!("/sandbox/{linked}")).await.status == 404
    })
    .await;
}
