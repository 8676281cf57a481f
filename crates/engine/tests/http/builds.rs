//! Sandboxes and snapshots made from Dockerfiles.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::{Engine, eventually};

pub fn trials() -> Vec<Trial> {
    trials![
        a_dockerfile_becomes_a_sandbox_once,
        a_build_that_fails_says_why,
        a_snapshot_is_built,
        public_images_are_the_hosts_programs_when_the_operator_says_so,
        what_cannot_be_built_is_refused_at_once,
        an_engine_that_ends_gives_a_build_up,
    ]
}

fn build(dockerfile: &str) -> Value {
    json!({"buildInfo": {"dockerfileContent": dockerfile, "contextHashes": []}})
}

async fn log(engine: &Engine, kind: &str, id: &str) -> String {
    let url = engine.get(&format!("/{kind}/{id}/build-logs-url")).await.ok();
    let url = url["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&engine.url), "{url}");
    let reply = engine
        .http()
        .get(format!("{url}?follow=true"))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    assert!(
        reply.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    reply.text().await.unwrap()
}

const DOCKERFILE: &str = "FROM daytona-small\nENV GREETING='it'\"'\"'s \"me\"' N=1\nARG WHO=you\n\
    WORKDIR /home/daytona/work\nRUN echo \"$GREETING $WHO\" > made && date +%s%N > when\n\
    RUN [\"sh\", \"-c\", \"echo loud; sleep 100 & cd; ls\"]\nRUN pwd\nLABEL a=b\nCMD [\"sleep\", \"infinity\"]\n";

async fn a_dockerfile_becomes_a_sandbox_once() {
    let engine = Engine::start();
    let made = engine.post("/sandbox", build(DOCKERFILE)).await;
    assert_eq!(made.status, 200);
    let made = made.ok();
    assert_eq!(made["state"], "pending_build", "{made}");
    assert!(made.get("snapshot").is_none());
    assert_eq!(made["buildInfo"]["dockerfileContent"], DOCKERFILE);
    let id = made["id"].as_str().unwrap().to_owned();
    // Meanwhile nothing else can be done with it.
    let said = log(&engine, "sandbox", &id).await;
    for part in ["RUN echo", "loud\nwork\n", "/work\n", "no effect", "Built."] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    engine.wait(&id, "started").await;
    let output = engine
        .output(
            &id,
            "cat made; echo ${PWD##*/}; echo $GREETING; cat when; pgrep -fc '^sleep 100$'; true",
        )
        .await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[..3], ["it's \"me\" you", "work", "it's \"me\""], "{output}");
    assert_eq!(lines[4], "0", "nothing of the build runs");
    let work_dir = engine.get(&format!("/toolbox/{id}/work-dir")).await.ok();
    assert_eq!(work_dir["dir"], "/home/daytona/work");
    assert_eq!(log(&engine, "sandbox", &id).await, said);

    // The same again is not built again, and starts at once; also after a restart.
    let when = lines[3].to_owned();
    let again = engine.make(build(DOCKERFILE)).await;
    assert_eq!(engine.output(&again, "cat when").await.trim(), when);
    let own = json!({"env": {"GREETING": "own"}, "buildInfo": {"dockerfileContent": DOCKERFILE}, "autoDeleteInterval": 0});
    let own = engine.make(own).await;
    assert_eq!(
        engine.output(&own, "cat when; echo $GREETING; unlink when").await,
        format!("{when}\nown\n")
    );
    let other = engine
        .post("/sandbox", build(&format!("{DOCKERFILE}RUN true\n")))
        .await
        .ok();
    assert_eq!(other["state"], "pending_build");
    engine.wait(other["id"].as_str().unwrap(), "started").await;
    assert_eq!(
        engine
            .files("builds")
            .iter()
            .filter(|name| name.ends_with(".tar"))
            .count(),
        2
    );
    // A sandbox that is stopped and started keeps what its image set.
    engine.post(&format!("/sandbox/{id}/stop"), json!({})).await.ok();
    engine.post(&format!("/sandbox/{id}/start"), json!({})).await.ok();
    assert_eq!(engine.output(&id, "echo ${PWD##*/} $N").await, "work 1\n");
    engine.call("DELETE", &format!("/sandbox/{id}"), None).await.ok();
    assert!(
        !engine
            .files("build-logs")
            .iter()
            .any(|name| name.starts_with(&id))
    );
}

async fn a_build_that_fails_says_why() {
    let engine = Engine::start();
    let made = engine
        .post(
            "/sandbox",
            build("FROM daytona-small\nRUN echo fine\nRUN echo broken >&2; exit 7\nRUN echo never\n"),
        )
        .await
        .ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let said = log(&engine, "sandbox", &id).await;
    assert!(
        said.contains("fine") && said.contains("exit code 7") && !said.contains("never\n"),
        "{said}"
    );
    engine.wait(&id, "build_failed").await;
    let shown = engine.get(&format!("/sandbox/{id}")).await.ok();
    let reason = shown["errorReason"].as_str().unwrap();
    assert!(reason.contains("Line 3") && reason.contains("broken"), "{reason}");
    assert_eq!(shown["recoverable"], false);
    engine
        .post(&format!("/sandbox/{id}/start"), json!({}))
        .await
        .refused(400);
    engine.call("DELETE", &format!("/sandbox/{id}"), None).await.ok();
    eventually("nothing of it is left", async || engine.files("homes").is_empty()).await;
    assert!(engine.files("builds").is_empty());
}

async fn a_snapshot_is_built() {
    let engine = Engine::start();
    // Without namespaces there is no folder outside the home.
    let folder = match engine.has_namespaces().await {
        true => "/app",
        false => "/home/daytona/app",
    };
    let dockerfile =
        format!("FROM daytona-small\nRUN echo made > f\nWORKDIR {folder}\nRUN echo ${{PWD##*/}} > g\n");
    let request = json!({"name": "built", "cpu": 2, "buildInfo": {"dockerfileContent": dockerfile}});
    let made = engine.post("/snapshots", request.clone()).await.ok();
    assert_eq!(made["state"], "pending");
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(log(&engine, "snapshots", &id).await.contains("Built."));
    eventually("it is active", async || {
        engine.get("/snapshots/built").await.ok()["state"] == "active"
    })
    .await;
    engine.post("/snapshots", request).await.refused(409);
    let sandbox = engine.make(json!({"snapshot": "built"})).await;
    let shown = engine
        .output(&sandbox, "cat g ~/f; echo kept > h; echo ${PWD##*/}")
        .await;
    assert_eq!(shown, "app\nmade\napp\n");
    // The folder is kept with the home, also outside it, in all its copies.
    for path in ["stop", "archive", "start"] {
        engine
            .post(&format!("/sandbox/{sandbox}/{path}"), json!({}))
            .await
            .ok();
    }
    assert_eq!(engine.output(&sandbox, "cat h").await, "kept\n");
    let on_top = build("FROM built\nRUN cat g > ~/twice && cat ~/f >> ~/twice\n");
    let top = engine.post("/sandbox", on_top).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    engine.wait(&top, "started").await;
    assert_eq!(engine.output(&top, "cat ~/twice").await, "app\nmade\n");
    let failing =
        json!({"name": "failing", "buildInfo": {"dockerfileContent": "FROM daytona-small\nRUN false\n"}});
    engine.post("/snapshots", failing).await.ok();
    eventually("it failed", async || {
        let shown = engine.get("/snapshots/failing").await.ok();
        shown["state"] == "build_failed" && shown["errorReason"].as_str().unwrap().contains("Line 2")
    })
    .await;
    let refused = engine
        .post("/sandbox", json!({"snapshot": "failing"}))
        .await
        .refused(400);
    assert_eq!(refused, "Snapshot failing is build_failed");
    for name in ["built", "failing"] {
        engine
            .call("DELETE", &format!("/snapshots/{name}"), None)
            .await
            .ok();
    }
    assert!(
        engine.files("snapshots").is_empty()
            && engine
                .files("build-logs")
                .iter()
                .all(|name| !name.starts_with(&id))
    );
}

async fn public_images_are_the_hosts_programs_when_the_operator_says_so() {
    let strict = Engine::start();
    let slim = "FROM python:3.12.10-slim-bookworm\nRUN apt-get update\nRUN apt-get install -y gcc gfortran build-essential\n\
        RUN pip install --upgrade pip\nRUN echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections\n";
    let refused = strict.post("/sandbox", build(slim)).await.refused(400);
    assert!(
        refused.contains("image_substitution") && refused.contains("daytona-small"),
        "{refused}"
    );

    let engine = Engine::start_with(&[("ENGINE_SUBSTITUTION", "1")]);
    let bare = engine.make(build("FROM debian:12.9\n")).await;
    assert_eq!(engine.output(&bare, "echo there").await, "there\n");
    let text = format!("{slim}RUN python3 -c 'print(6 * 7)' > answer\n");
    let made = engine.post("/sandbox", build(&text)).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let said = log(&engine, "sandbox", &id).await;
    assert!(
        said.contains("The host's own programs stand for this image.") && said.contains("left out"),
        "{said}"
    );
    engine.wait(&id, "started").await;
    assert_eq!(engine.output(&id, "cat answer").await, "42\n");
    engine
        .post("/sandbox", build("FROM alpine:3\n"))
        .await
        .refused(400);

    let none = "FROM ubuntu:24.04\nRUN apt-get install -y pitlane-no-such-package\n";
    let made = engine.post("/sandbox", build(none)).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    engine.wait(&id, "build_failed").await;
    let shown = engine.get(&format!("/sandbox/{id}")).await.ok();
    let reason = shown["errorReason"].as_str().unwrap();
    assert!(reason.contains("pitlane-no-such-package"), "{reason}");
}

async fn what_cannot_be_built_is_refused_at_once() {
    let engine = Engine::start();
    for (dockerfile, said) in [
        ("", "FROM"),
        ("RUN x\nFROM daytona-small\n", "Line 1"),
        ("FROM daytona-small\nFROM daytona-small\n", "several stages"),
        ("FROM daytona-small\nCOPY a /b\n", "COPY"),
        ("FROM daytona-small\nUSER root\n", "daytona"),
        ("FROM daytona-small\nWORKDIR /etc/x\n", "/etc/x"),
        ("FROM daytona-small\nNONSENSE x\n", "NONSENSE"),
        ("FROM none\n", "no registry"),
        ("FROM daytona-small\nENV A='\n", "quote"),
    ] {
        let refused = engine.post("/sandbox", build(dockerfile)).await.refused(400);
        assert!(refused.contains(said), "{dockerfile:?}: {refused}");
    }
    let huge = format!("FROM daytona-small\n{}", "#".repeat(300 << 10));
    engine.post("/sandbox", build(&huge)).await.refused(400);
    let both =
        json!({"snapshot": "daytona-small", "buildInfo": {"dockerfileContent": "FROM daytona-small\n"}});
    assert_eq!(
        engine.post("/sandbox", both).await.refused(400),
        "Cannot specify both a snapshot and build info"
    );
    assert_eq!(engine.get("/sandbox").await.ok()["items"], json!([]));
}

async fn an_engine_that_ends_gives_a_build_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let made = engine
        .post("/sandbox", build("FROM daytona-small\nRUN sleep 300\n"))
        .await
        .ok();
    let id = made["id"].as_str().unwrap().to_owned();
    engine.wait(&id, "building_snapshot").await;
    let busy = engine
        .call("DELETE", &format!("/sandbox/{id}"), None)
        .await
        .refused(409);
    assert_eq!(busy, "Sandbox state change in progress");
    assert!(engine.end());
    let engine = Engine::start_in(folder.path().to_owned(), &[]);
    assert_eq!(engine.state(&id).await, "build_failed");
    assert!(engine.files("homes").is_empty());
}
