//! Archiving, pausing, resizing, recovering: what becomes of a sandbox's files
//! and programs on the way, also across a restart.

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::{Engine, background, eventually};

pub fn trials() -> Vec<Trial> {
    trials![
        an_archived_sandbox_comes_back_with_its_files,
        what_cannot_be_archived_is_refused,
        a_stopped_sandbox_is_archived_by_itself,
        a_paused_sandbox_stands_still_and_goes_on,
        a_sandbox_grows_while_it_runs_and_its_disk_while_it_does_not,
        a_dead_sandbox_is_recovered,
        states_outlive_a_killed_engine,
        settings_are_answered_and_refused,
    ]
}

const FILES: &str = "set -e; mkdir -p deep/er .hidden; echo one > deep/er/a; ln -s deep/er/a link; \
    printf 'two' > '.hidden/b c'; chmod 640 deep/er/a; truncate -s 500M sparse; echo end >> sparse; mkfifo pipe";

async fn has_its_files(engine: &Engine, id: &str) {
    let found = engine
        .output(
            id,
            "cat link '.hidden/b c'; stat -c '%a' deep/er/a; stat -c '%s' sparse; du -m sparse | cut -f1; test -p pipe && echo pipe",
        )
        .await;
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines[..3], ["one", "two640", "524288004"], "{found}");
    assert!(lines[3].parse::<u32>().unwrap() < 10, "it is sparse: {found}");
    assert_eq!(lines[4], "pipe");
}

async fn an_archived_sandbox_comes_back_with_its_files() {
    let engine = Engine::start();
    let id = engine.make(json!({"env": {"KEPT": "yes"}})).await;
    engine.output(&id, FILES).await;
    let archive = format!("/sandbox/{id}/archive");
    assert_eq!(
        engine.post(&archive, json!({})).await.refused(400),
        "Sandbox is not stopped"
    );
    engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok();
    let archived = engine.post(&archive, json!({})).await.ok();
    assert_eq!(
        (&archived["state"], &archived["desiredState"]),
        (&json!("archived"), &json!("archived"))
    );
    assert_eq!(archived["backupState"], "Completed");
    assert!(engine.files("homes").is_empty());
    assert_eq!(engine.files("archives"), [format!("{id}.tar")]);
    assert_eq!(engine.post(&archive, json!({})).await.ok()["state"], "archived");

    let started = engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    assert_eq!(started["state"], "started");
    has_its_files(&engine, &id).await;
    assert_eq!(engine.output(&id, "echo $KEPT").await, "yes\n");
    assert!(engine.files("archives").is_empty());
    engine.call("DELETE", &format!("/sandbox/{id}"), None).await.ok();
    assert!(engine.files("homes").is_empty());
}

async fn what_cannot_be_archived_is_refused() {
    let engine = Engine::start();
    let ephemeral = engine.make(json!({"autoDeleteInterval": 0})).await;
    let refused = engine
        .post(&format!("/sandbox/{ephemeral}/archive"), json!({}))
        .await;
    assert_eq!(refused.refused(400), "Ephemeral sandboxes cannot be archived");
    // A file that its owner may not read: the copy would be without it.
    let id = engine.make(json!({})).await;
    engine.output(&id, "echo x > closed; chmod 0 closed").await;
    engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok();
    let refused = engine
        .post(&format!("/sandbox/{id}/archive"), json!({}))
        .await
        .refused(500);
    assert!(
        refused.contains("closed") && refused.contains("Permission denied"),
        "{refused}"
    );
    assert_eq!(engine.state(&id).await, "stopped");
    assert!(engine.files("archives").is_empty());
    engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    assert_eq!(engine.output(&id, "chmod 600 closed; cat closed").await, "x\n");
}

async fn a_stopped_sandbox_is_archived_by_itself() {
    let engine = Engine::start_with(&[("ENGINE_MINUTE_MS", "200")]);
    let id = engine
        .make(json!({"autoArchiveInterval": 1, "autoStopInterval": 0}))
        .await;
    engine.output(&id, "echo kept > f").await;
    engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok();
    engine.wait(&id, "archived").await;
    engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    assert_eq!(engine.output(&id, "cat f").await, "kept\n");
    if !engine.has_namespaces().await {
        return;
    }
    // And pauses by itself when it is told to.
    engine
        .post(&format!("/sandbox/{id}/autopause/1"), json!({}))
        .await
        .ok();
    engine.wait(&id, "paused").await;
}

async fn a_paused_sandbox_stands_still_and_goes_on() {
    let engine = Engine::start();
    let client = engine.client();
    let id = engine.make(json!({})).await;
    let sandbox = client.get(&id).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    toolbox.create_session("s").await.unwrap();
    let command = "echo 0 > n; (setsid sh -c 'while :; do echo $(($(cat n) + 1)) > m && mv m n; sleep 0.02; done' &) ; sleep 0.2";
    let command = toolbox
        .session_exec("s", background(command))
        .await
        .unwrap()
        .cmd_id;
    eventually("the command ends", async || {
        toolbox.session_command("s", &command).await.unwrap().exit_code == Some(0)
    })
    .await;
    let pause = format!("/sandbox/{id}/pause");
    if !engine.has_namespaces().await {
        let refused = engine.post(&pause, json!({})).await.refused(422);
        assert!(refused.contains("namespaces"), "{refused}");
        return;
    }
    let paused = engine.post(&pause, json!({})).await.ok();
    assert_eq!(
        (&paused["state"], &paused["desiredState"]),
        (&json!("paused"), &json!("paused"))
    );
    assert_eq!(engine.post(&pause, json!({})).await.ok()["state"], "paused");
    let refused = engine
        .post(
            &format!("/toolbox/{id}/process/execute"),
            json!({"command": "true"}),
        )
        .await;
    assert!(refused.refused(400).contains("Is the Sandbox started?"));
    // A copy reads the files while nothing in it moves.
    let count = async || {
        engine.post(&format!("/sandbox/{id}/fork"), json!({})).await.ok()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, other) = (count().await, count().await);
    assert_eq!(
        engine.output(&one, "cat n").await,
        engine.output(&other, "cat n").await
    );
    engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    let before: u64 = engine.output(&id, "cat n").await.trim().parse().unwrap();
    eventually("it goes on", async || {
        engine.output(&id, "cat n").await.trim().parse::<u64>().unwrap() > before
    })
    .await;
    // What is paused can be stopped, and deleted.
    engine.post(&pause, json!({})).await.ok();
    assert_eq!(
        engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok()["state"],
        "stopped"
    );
    assert!(
        engine
            .post(&pause, json!({}))
            .await
            .refused(400)
            .contains("stopped")
    );
    engine
        .post(&format!("/sandbox/{one}/pause"), json!({}))
        .await
        .ok();
    engine.call("DELETE", &format!("/sandbox/{one}"), None).await.ok();
}

async fn a_sandbox_grows_while_it_runs_and_its_disk_while_it_does_not() {
    let engine = Engine::start();
    let id = engine.make(json!({"cpu": 1, "memory": 1, "disk": 1})).await;
    let resize = format!("/sandbox/{id}/resize");
    engine.output(&id, "echo kept > f").await;
    for (wanted, status) in [
        (json!({}), 400),
        (json!({"cpu": 0}), 400),
        (json!({"disk": 2}), 400),
        (json!({"cpu": 100_000}), 400),
    ] {
        engine.post(&resize, wanted).await.refused(status);
    }
    let health = engine.get("/health").await.ok();
    let by_cgroup = ["memory", "cpu", "processes"]
        .iter()
        .all(|what| health["limits"][what].as_str().unwrap().starts_with("cgroup"));
    if by_cgroup {
        let grown = engine.post(&resize, json!({"cpu": 2, "memory": 2})).await.ok();
        assert_eq!(
            (&grown["cpu"], &grown["memory"], &grown["state"]),
            (&json!(2), &json!(2), &json!("started"))
        );
        let metrics = engine.get(&format!("/toolbox/{id}/system/metrics")).await.ok();
        assert_eq!(
            (&metrics["cpuCount"], &metrics["memTotal"]),
            (&json!(2), &json!(2_u64 << 30))
        );
        // More than the gibibyte it had: the program lives.
        assert_eq!(
            engine
                .output(&id, "python3 -c 'x = b\"x\" * (1300 << 20); print(len(x) >> 20)'")
                .await,
            "1300\n"
        );
        engine.post(&resize, json!({"memory": 1})).await.refused(400);
    } else {
        assert!(
            engine
                .post(&resize, json!({"cpu": 2}))
                .await
                .refused(400)
                .contains("Stop it first")
        );
    }
    engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok();
    engine.post(&resize, json!({"disk": 1})).await.ok();
    let grown = engine.post(&resize, json!({"disk": 2, "cpu": 1})).await.ok();
    assert_eq!(
        (&grown["disk"], &grown["cpu"], &grown["state"]),
        (&json!(2), &json!(1), &json!("stopped"))
    );
    assert_eq!(
        engine.post(&resize, json!({"disk": 1})).await.refused(400),
        "Sandbox disk size cannot be decreased"
    );
    engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    assert_eq!(engine.output(&id, "cat f; ls | tr '\\n' ' '").await, "kept\nf ");
    // More than the gibibyte there was.
    engine.output(&id, "fallocate -l 1200M big && rm big").await;
}

async fn a_dead_sandbox_is_recovered() {
    let engine = Engine::start();
    let id = engine.make(json!({})).await;
    engine.output(&id, "echo kept > f").await;
    let recover = format!("/sandbox/{id}/recover");
    assert!(
        engine
            .post(&recover, json!({}))
            .await
            .refused(400)
            .contains("error state")
    );
    let backup = engine
        .post(&format!("/sandbox/{id}/backup"), json!({}))
        .await
        .ok();
    assert_eq!(
        (&backup["backupState"], &backup["state"]),
        (&json!("Completed"), &json!("started"))
    );
    engine.output(&id, "echo later > g; sync").await;

    engine.kill_sandboxes();
    engine.wait(&id, "error").await;
    let shown = engine.get(&format!("/sandbox/{id}")).await.ok();
    assert_eq!(shown["recoverable"], true);
    assert!(
        shown["errorReason"].as_str().unwrap().contains("first process"),
        "{shown}"
    );
    let stopped = engine
        .post(&format!("{recover}?skipStart=true"), json!({}))
        .await
        .ok();
    assert_eq!(
        (&stopped["state"], stopped.get("errorReason")),
        (&json!("stopped"), None)
    );
    engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    assert_eq!(engine.output(&id, "cat f g").await, "kept\nlater\n");

    // A home that no walls can be built around any more.
    engine.kill_sandboxes();
    engine.wait(&id, "error").await;
    let home = engine.data.join("homes").join(&id);
    if home.join("home.ext4").exists() {
        std::fs::write(home.join("home.ext4"), vec![0; 1 << 20]).unwrap();
    } else {
        std::fs::remove_dir_all(home.join("files")).unwrap();
        std::fs::write(home.join("files"), "broken").unwrap();
    }
    assert_eq!(engine.post(&recover, json!({})).await.ok()["state"], "started");
    assert_eq!(engine.output(&id, "cat f; ls").await, "kept\nf\n");
}

async fn states_outlive_a_killed_engine() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let archived = engine.make(json!({"name": "archived"})).await;
    let paused = engine.make(json!({"name": "paused"})).await;
    for id in [&archived, &paused] {
        engine.output(id, "echo kept > f").await;
    }
    engine.post("/sandbox/archived/stop", json!({})).await.ok();
    engine.post("/sandbox/archived/archive", json!({})).await.ok();
    if engine.has_namespaces().await {
        engine.post("/sandbox/paused/pause", json!({})).await.ok();
    }
    engine.kill();
    // As an engine leaves it that was killed while it restored a home, and
    // while it wrote an archive.
    let homes = folder.path().join("homes").join(&archived);
    std::fs::create_dir_all(homes.join("files")).unwrap();
    std::fs::write(homes.join("uid"), "300009").unwrap();
    let record = folder.path().join("sandboxes").join(format!("{archived}.json"));
    let text = std::fs::read_to_string(&record).unwrap();
    assert!(text.contains("\"archived\""));
    std::fs::write(
        &record,
        text.replace("\"state\": \"archived\"", "\"state\": \"restoring\""),
    )
    .unwrap();
    std::fs::write(
        folder.path().join("archives").join(format!("{paused}.part")),
        "half",
    )
    .unwrap();

    let engine = Engine::start_in(folder.path().to_owned(), &[]);
    assert_eq!(engine.state("archived").await, "archived");
    assert_eq!(engine.state("paused").await, "stopped");
    assert!(!homes.exists());
    assert_eq!(engine.files("archives"), [format!("{archived}.tar")]);
    for id in [&archived, &paused] {
        engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
        assert_eq!(engine.output(id, "cat f").await, "kept\n");
    }
}

async fn settings_are_answered_and_refused() {
    let engine = Engine::start();
    let id = engine.make(json!({"autoDeleteInterval": 0})).await;
    let set = async |path: &str| engine.post(&format!("/sandbox/{id}/{path}"), json!({})).await;
    assert_eq!(set("public/true").await.ok()["public"], true);
    assert_eq!(set("public/false").await.ok()["public"], false);
    set("public/maybe").await.refused(400);
    set("autopause/5").await.refused(400);
    set("autostop/0").await.ok();
    assert_eq!(set("autopause/5").await.ok()["autoPauseInterval"], 5);
    set("autostop/5").await.refused(400);
    assert_eq!(set("autoarchive/0").await.ok()["autoArchiveInterval"], 43_200);
    assert_eq!(set("autoarchive/7").await.ok()["autoArchiveInterval"], 7);
    set("autopause/-1").await.refused(400);
    let both = engine
        .post("/sandbox", json!({"autoStopInterval": 5, "autoPauseInterval": 5}))
        .await;
    both.refused(400);
}
