//! What an image starts by itself: it runs from each start on, and its session
//! is read like any other and used by nobody.

use daytona::{CreateSandbox, Toolbox};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::{Engine, background, eventually, follow, runs_somewhere};

pub fn trials() -> Vec<Trial> {
    trials![
        an_entrypoint_runs_from_each_start,
        its_session_is_nobodys,
        one_that_cannot_run_says_so_in_its_log,
    ]
}

/// A sandbox of a snapshot with this entrypoint.
async fn started(engine: &Engine, words: &[&str]) -> (daytona::Sandbox, Toolbox) {
    let request = json!({"name": "service", "imageName": "daytona-small", "entrypoint": words});
    let url = format!("{}/api/snapshots", engine.url);
    let made = engine.http().post(url).json(&request).send().await.unwrap();
    assert_eq!(made.status(), 200);
    let request = CreateSandbox {
        snapshot: Some("service".into()),
        ..CreateSandbox::default()
    };
    let client = engine.client();
    let sandbox = client.create(&request).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    (sandbox, toolbox)
}

async fn get(engine: &Engine, id: &str, path: &str) -> Value {
    let url = format!("{}/toolbox/{id}/process/session{path}", engine.url);
    let answer = engine.http().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn an_entrypoint_runs_from_each_start() {
    let engine = Engine::start();
    let marker = format!("9{:06}", std::process::id());
    let script = format!("echo up at $(pwd); echo odd >&2; exec sleep {marker}");
    let (sandbox, _) = started(&engine, &["sh", "-c", &script]).await;
    let client = engine.client();
    for _ in 0..2 {
        eventually("it prints", async || {
            let log = get(&engine, &sandbox.id, "/entrypoint/logs").await;
            log["stdout"] == "up at /home/daytona\n" && log["stderr"] == "odd\n"
        })
        .await;
        let session = get(&engine, &sandbox.id, "/entrypoint").await;
        let command = &session["commands"][0];
        assert_eq!(
            (&session["sessionId"], &command["id"]),
            (&json!("entrypoint"), &json!("entrypoint_command"))
        );
        assert!(command.get("exitCode").is_none(), "{command}");
        eventually("it runs", async || runs_somewhere(&marker)).await;
        client.stop(&sandbox.id).await.unwrap();
        eventually("it ended", async || !runs_somewhere(&marker)).await;
        client.start(&sandbox.id).await.unwrap();
    }
    client.delete(&sandbox.id).await.unwrap();
}

async fn its_session_is_nobodys() {
    let engine = Engine::start();
    let (sandbox, toolbox) = started(&engine, &["echo", "a  b", "it's", "$HOME"]).await;
    // Followed to its end, exactly.
    let seen = follow(&toolbox, "entrypoint", "entrypoint_command", 0).await;
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "a  b it's $HOME\n");
    let command = get(&engine, &sandbox.id, "/entrypoint/command/entrypoint_command").await;
    assert_eq!(command["exitCode"], 0);
    assert_eq!(get(&engine, &sandbox.id, "").await, json!([]), "it is not listed");
    let used = toolbox.session_exec("entrypoint", background("true")).await;
    assert_eq!(used.unwrap_err().status(), Some(404));
    let ended = toolbox.delete_session("entrypoint", None).await;
    assert_eq!(ended.unwrap_err().status(), Some(405), "it is not ended");
    let taken = toolbox.create_session("entrypoint").await;
    assert_eq!(taken.unwrap_err().status(), Some(400));
}

async fn one_that_cannot_run_says_so_in_its_log() {
    let engine = Engine::start();
    let (sandbox, _) = started(&engine, &["/no/such/program"]).await;
    assert_eq!(sandbox.state, Some(daytona::SandboxState::Started));
    eventually("it has ended", async || {
        let session = get(&engine, &sandbox.id, "/entrypoint").await;
        session["commands"][0]["exitCode"] == 127
    })
    .await;
    let log = get(&engine, &sandbox.id, "/entrypoint/logs").await;
    assert!(
        log["stderr"].as_str().unwrap().contains("/no/such/program"),
        "{log}"
    );
}
