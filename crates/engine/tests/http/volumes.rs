//! Volumes: shared between sandboxes, kept after them, closed to others.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    trials![
        volumes_are_made_listed_and_deleted,
        sandboxes_share_a_volume_and_others_do_not_see_it,
        a_volume_is_no_way_out,
    ]
}

async fn volumes_are_made_listed_and_deleted() {
    let engine = Engine::start();
    engine.get("/volumes/by-name/v1").await.refused(404);
    let made = engine.post("/volumes", json!({"name": "v1"})).await;
    assert_eq!(made.status, 200);
    let made = made.ok();
    assert_eq!(
        (&made["name"], &made["state"], &made["errorReason"]),
        (&json!("v1"), &json!("ready"), &Value::Null)
    );
    let id = made["id"].as_str().unwrap();
    engine.post("/volumes", json!({"name": "v1"})).await.refused(409);
    for odd in ["", "a/b", "a\n"] {
        engine.post("/volumes", json!({"name": odd})).await.refused(400);
    }
    assert_eq!(engine.get("/volumes/by-name/v1").await.ok()["id"], json!(id));
    assert_eq!(engine.get(&format!("/volumes/{id}")).await.ok()["id"], json!(id));
    assert_eq!(engine.get("/volumes").await.ok().as_array().unwrap().len(), 1);
    assert_eq!(
        engine
            .call("DELETE", &format!("/volumes/{id}"), None)
            .await
            .status,
        200
    );
    engine
        .call("DELETE", &format!("/volumes/{id}"), None)
        .await
        .refused(404);
    assert!(engine.files("volumes").is_empty());
}

fn with(mounts: &[(&str, &str, Option<&str>)], ephemeral: bool) -> Value {
    let volumes: Vec<_> = mounts
        .iter()
        .map(|(volume, path, subpath)| json!({"volumeId": volume, "mountPath": path, "subpath": subpath}))
        .collect();
    json!({"volumes": volumes, "autoDeleteInterval": if ephemeral { 0 } else { -1 }})
}

async fn sandboxes_share_a_volume_and_others_do_not_see_it() {
    let engine = Engine::start();
    engine.post("/volumes", json!({"name": "v"})).await.ok();
    if !engine.has_namespaces().await {
        let refused = engine
            .post("/sandbox", with(&[("v", "/data", None)], true))
            .await
            .refused(400);
        assert!(refused.contains("namespaces"), "{refused}");
        return;
    }
    let one = engine.make(with(&[("v", "/data", None)], true)).await;
    let two = engine
        .make(with(&[("v", "/home/daytona/in/home/", None)], false))
        .await;
    let three = engine.make(with(&[], true)).await;
    let shown = engine.get(&format!("/sandbox/{two}")).await.ok();
    assert_eq!(shown["volumes"][0]["mountPath"], "/home/daytona/in/home");
    assert!(engine.get("/volumes/by-name/v").await.ok()["lastUsedAt"].is_string());
    // Each sees, reads and changes what the other wrote, as its own.
    engine
        .output(
            &one,
            "mkdir /data/d && echo one > /data/d/f && chmod 600 /data/d/f",
        )
        .await;
    assert_eq!(
        engine
            .output(&two, "cat in/home/d/f; stat -c %U in/home in/home/d/f")
            .await,
        "one\ndaytona\ndaytona\n"
    );
    engine
        .output(
            &two,
            "echo two >> in/home/d/f; echo x > in/home/g; rm in/home/g; mv in/home/d in/home/e",
        )
        .await;
    assert_eq!(
        engine.output(&one, "cat /data/e/f; stat -c %U /data/e/f").await,
        "one\ntwo\ndaytona\n"
    );
    let (code, _) = engine.run(&three, "ls /data").await;
    assert_ne!(code, 0);
    // A part of it alone, also one that is not there yet.
    let part = engine
        .make(with(
            &[("v", "/part", Some("e")), ("v", "/new", Some("made/here"))],
            true,
        ))
        .await;
    assert_eq!(
        engine.output(&part, "ls -a /part; echo new > /new/n").await,
        ".\n..\nf\n"
    );
    assert_eq!(engine.output(&one, "cat /data/made/here/n").await, "new\n");

    let refused = engine.call("DELETE", "/volumes/v", None).await.refused(409);
    assert!(refused.contains("in use"), "{refused}");
    // It is no part of the home: not in a copy of it, and a fork shows it again.
    engine.output(&two, "echo own > own").await;
    let fork = engine.post(&format!("/sandbox/{two}/fork"), json!({})).await.ok();
    let fork = fork["id"].as_str().unwrap().to_owned();
    assert_eq!(
        engine.output(&fork, "cat own in/home/e/f").await,
        "own\none\ntwo\n"
    );
    engine
        .post(&format!("/sandbox/{two}/snapshot"), json!({"name": "without"}))
        .await
        .ok();
    let plain = engine
        .make(json!({"snapshot": "without", "autoDeleteInterval": 0}))
        .await;
    assert_eq!(
        engine.output(&plain, "cat own; find in | sort").await,
        "own\nin\n"
    );

    // It outlives them all, and a stop; nothing of it stays mounted.
    engine.post(&format!("/sandbox/{two}/stop"), json!({})).await.ok();
    engine
        .post(&format!("/sandbox/{two}/start"), json!({}))
        .await
        .ok();
    assert_eq!(engine.output(&two, "cat in/home/e/f").await, "one\ntwo\n");
    for id in [&fork, &one, &two, &three, &part, &plain] {
        engine.call("DELETE", &format!("/sandbox/{id}"), None).await.ok();
    }
    let later = engine.make(with(&[("v", "/data", None)], true)).await;
    assert_eq!(engine.output(&later, "cat /data/e/f").await, "one\ntwo\n");
    engine
        .call("DELETE", &format!("/sandbox/{later}"), None)
        .await
        .ok();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(engine.data.to_str().unwrap()));
    engine.call("DELETE", "/volumes/v", None).await.ok();
    assert!(engine.files("volumes").is_empty());
}

async fn a_volume_is_no_way_out() {
    let engine = Engine::start();
    engine.post("/volumes", json!({"name": "v"})).await.ok();
    if !engine.has_namespaces().await {
        return;
    }
    for (mounts, said) in [
        (vec![("none", "/data", None)], "not found"),
        (vec![("v", "data", None)], "absolute"),
        (vec![("v", "/etc", None)], "system"),
        (vec![("v", "/usr/x", None)], "system"),
        (vec![("v", "/a/../etc", None)], "plain"),
        (vec![("v", "/home/daytona", None)], "itself"),
        (vec![("v", "/opt/pitlane", None)], "itself"),
        (vec![("v", "/data", Some("../../x"))], "subpath"),
        (vec![("v", "/data", None), ("v", "/data/", None)], "Two volumes"),
    ] {
        let refused = engine.post("/sandbox", with(&mounts, true)).await.refused(400);
        assert!(refused.contains(said), "{mounts:?}: {refused}");
    }
    // Links that a sandbox leaves in a volume, or in its own home where a volume
    // is to be shown, are not followed to the host.
    let one = engine.make(with(&[("v", "/data", None)], false)).await;
    engine
        .output(
            &one,
            "ln -s /etc /data/out; ln -s ../../../.. /data/up; echo x > /data/file",
        )
        .await;
    for subpath in ["out", "up", "out/x", "file"] {
        let refused = engine
            .post("/sandbox", with(&[("v", "/data", Some(subpath))], true))
            .await
            .refused(500);
        assert!(refused.contains("a file or a link"), "{subpath}: {refused}");
    }
    let two = engine
        .make(with(&[("v", "/home/daytona/a/b", None)], false))
        .await;
    engine.output(&two, "mv a moved && ln -s / a").await;
    engine.post(&format!("/sandbox/{two}/stop"), json!({})).await.ok();
    let refused = engine
        .post(&format!("/sandbox/{two}/start"), json!({}))
        .await
        .refused(500);
    assert!(refused.contains("a is a file or a link"), "{refused}");
    assert_eq!(engine.state(&two).await, "stopped");
    // Its devices and special rights do not count.
    engine
        .output(&one, "cp /bin/true /data/suid && chmod 4755 /data/suid")
        .await;
    assert_eq!(engine.output(&one, "findmnt -no OPTIONS /data 2>/dev/null | grep -c nosuid || grep -c ' /data .*nosuid' /proc/mounts").await.trim(), "1");
}
