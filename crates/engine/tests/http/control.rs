//! The control plane: sandboxes from create to delete, and by themselves.

use libtest_mimic::Trial;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::{Engine, background, ephemeral, eventually, runs_somewhere};
use daytona::{CreateSandbox, ExecuteRequest, ListSandboxes, SandboxState};

pub fn trials() -> Vec<Trial> {
    trials![
        a_sandbox_from_create_to_delete,
        refusals_have_daytonas_shape,
        a_stopped_sandbox_keeps_its_home,
        an_ephemeral_sandbox_goes_at_its_stop,
        an_unused_sandbox_stops_and_a_used_one_does_not,
        a_killed_engine_leaves_nothing_running_and_finds_what_was_kept,
        an_engine_left_alone_ends,
    ]
}

async fn a_sandbox_from_create_to_delete() {
    let engine = Engine::start();
    let client = engine.client();
    let request = CreateSandbox {
        name: Some("my-sb".into()),
        labels: BTreeMap::from([("team".into(), "red".into())]),
        ..ephemeral()
    };
    let made = client.create(&request).await.unwrap();
    assert_eq!(made.state, Some(SandboxState::Started));
    assert_eq!(
        (made.cpu, made.memory, made.disk, made.auto_stop_interval),
        (1, 1, 3, Some(15))
    );
    assert_eq!(made.toolbox_proxy_url, format!("{}/toolbox", engine.url));
    let facts = made.pitlane.clone().unwrap();
    assert!(!facts.isolation.is_empty() && facts.created_in_ms > 0.0);
    assert_eq!(client.get("my-sb").await.unwrap().id, made.id);
    assert!(client.create(&request).await.unwrap_err().is_conflict());

    let red = BTreeMap::from([("team".into(), "red".into())]);
    assert_eq!(client.list_all(&red).await.unwrap().len(), 1);
    client
        .set_labels(&made.id, BTreeMap::from([("team".into(), "blue".into())]))
        .await
        .unwrap();
    assert!(client.list_all(&red).await.unwrap().is_empty());

    client.delete(&made.id).await.unwrap();
    assert!(client.get(&made.id).await.unwrap_err().is_not_found());
    assert!(
        client
            .list(&ListSandboxes::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    for kind in ["spool", "homes", "sandboxes"] {
        let left = std::fs::read_dir(engine.data.join(kind)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{kind}");
    }
}

async fn refusals_have_daytonas_shape() {
    let engine = Engine::start();
    let http = engine.http();
    let missing = http
        .get(format!("{}/api/sandbox/none", engine.url))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["x-daytona-api-version"], "v0.226.1");
    let body: serde_json::Value = missing.json().await.unwrap();
    assert_eq!(body["message"], "Sandbox with ID or name none not found");
    assert_eq!(
        (&body["error"], &body["path"]),
        (&"Not Found".into(), &"/api/sandbox/none".into())
    );
    let stranger = reqwest::get(format!("{}/api/sandbox", engine.url)).await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert_eq!(
        reqwest::get(format!("{}/api/health", engine.url))
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        reqwest::get(format!("{}/api/health/ready", engine.url))
            .await
            .unwrap()
            .status(),
        200
    );
    let odd = http
        .post(format!("{}/api/sandbox", engine.url))
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(odd.status(), 400);
    let unknown = http.get(format!("{}/nothing", engine.url)).send().await.unwrap();
    assert_eq!(
        unknown.json::<serde_json::Value>().await.unwrap()["statusCode"],
        404
    );
    let wrong_method = http
        .put(format!("{}/api/sandbox", engine.url))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong_method.status(), 405);
}

async fn a_stopped_sandbox_keeps_its_home() {
    let engine = Engine::start();
    let client = engine.client();
    let made = client.create(&CreateSandbox::default()).await.unwrap();
    let toolbox = client.toolbox(&made).await.unwrap();
    toolbox.upload(vec![("kept".into(), "yes".into())]).await.unwrap();
    assert_eq!(
        client.stop(&made.id).await.unwrap().state,
        Some(SandboxState::Stopped)
    );
    let refused = toolbox.execute(ExecuteRequest::new("true")).await;
    assert!(refused.is_err());
    assert_eq!(
        client.start(&made.id).await.unwrap().state,
        Some(SandboxState::Started)
    );
    assert_eq!(toolbox.download("kept").await.unwrap(), "yes");
    client.delete(&made.id).await.unwrap();
}

async fn an_ephemeral_sandbox_goes_at_its_stop() {
    let engine = Engine::start();
    let client = engine.client();
    let made = client.create(&ephemeral()).await.unwrap();
    assert_eq!(
        client.stop(&made.id).await.unwrap().state,
        Some(SandboxState::Destroyed)
    );
    assert!(client.get(&made.id).await.unwrap_err().is_not_found());
}

async fn an_unused_sandbox_stops_and_a_used_one_does_not() {
    let engine = Engine::start_with(&[("ENGINE_MINUTE_MS", "1000")]);
    let client = engine.client();
    let timed = CreateSandbox {
        auto_stop_interval: Some(1),
        ..ephemeral()
    };
    // Its time counts only once it is in use.
    let untimed = CreateSandbox {
        auto_stop_interval: Some(0),
        ..ephemeral()
    };
    let used = client.create(&untimed).await.unwrap();
    let toolbox = client.toolbox(&used).await.unwrap();
    toolbox.create_session("s").await.unwrap();
    let id = toolbox
        .session_exec("s", background("sleep 600"))
        .await
        .unwrap()
        .cmd_id;
    // An open follower is a use, also while nothing is printed.
    let follower = toolbox.follow_logs("s", &id, 0).await.unwrap();
    client.set_auto_stop(&used.id, 1).await.unwrap();
    let unused = client.create(&timed).await.unwrap();
    eventually("the unused one goes", async || {
        client
            .get(&unused.id)
            .await
            .is_err_and(|error| error.is_not_found())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(2250)).await;
    assert_eq!(
        client.get(&used.id).await.unwrap().state,
        Some(SandboxState::Started)
    );
    drop(follower);
    eventually("the used one goes", async || {
        client
            .get(&used.id)
            .await
            .is_err_and(|error| error.is_not_found())
    })
    .await;
    let lived = CreateSandbox {
        ttl_minutes: Some(1),
        auto_stop_interval: Some(0),
        ..CreateSandbox::default()
    };
    let lived = client.create(&lived).await.unwrap();
    eventually("its time to live ends", async || {
        client
            .get(&lived.id)
            .await
            .is_err_and(|error| error.is_not_found())
    })
    .await;
}

async fn a_killed_engine_leaves_nothing_running_and_finds_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let client = engine.client();
    let kept = client.create(&CreateSandbox::default()).await.unwrap();
    let lost = client.create(&ephemeral()).await.unwrap();
    let mark = format!("777.{}", std::process::id());
    for sandbox in [&kept, &lost] {
        let toolbox = client.toolbox(sandbox).await.unwrap();
        toolbox
            .upload(vec![("f".into(), "content".into())])
            .await
            .unwrap();
        toolbox.create_session("s").await.unwrap();
        let id = toolbox
            .session_exec("s", background(&format!("echo up; setsid sleep {mark}")))
            .await
            .unwrap()
            .cmd_id;
        let mut log = toolbox.follow_logs("s", &id, 0).await.unwrap();
        log.next().await.unwrap().unwrap();
    }
    eventually("it runs", async || runs_somewhere(&mark)).await;
    engine.kill();
    eventually("nothing runs", async || !runs_somewhere(&mark)).await;

    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let client = engine.client();
    assert!(client.get(&lost.id).await.unwrap_err().is_not_found());
    assert!(!engine.data.join("spool").join(&lost.id).exists());
    assert_eq!(
        client.get(&kept.id).await.unwrap().state,
        Some(SandboxState::Stopped)
    );
    let again = client.start(&kept.id).await.unwrap();
    let toolbox = client.toolbox(&again).await.unwrap();
    assert_eq!(toolbox.download("f").await.unwrap(), "content");
    client.delete(&kept.id).await.unwrap();
    assert!(engine.end(), "a polite end is a success");
}

async fn an_engine_left_alone_ends() {
    let mut engine = Engine::start_with(&[("ENGINE_ORPHAN_MS", "3000")]);
    let client = engine.client();
    client.create(&ephemeral()).await.unwrap();
    eventually("it ends", async || engine.has_ended()).await;
}
