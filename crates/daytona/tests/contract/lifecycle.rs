//! Sandboxes through their states, and their settings.

use super::{Contract, PATIENCE, refused};
use daytona::{
    CreateBuildInfo, CreateSandbox, CreateSandboxSnapshot, Event, ExecuteRequest, ListSandboxes,
    NetworkSettings, ResizeSandbox, Sandbox, SandboxState,
};
use std::collections::BTreeMap;
use std::time::Duration;

const STOPPED: &[SandboxState] = &[SandboxState::Stopped];
const STARTED: &[SandboxState] = &[SandboxState::Started];

pub async fn contract(contract: &Contract) {
    let client = &contract.client;
    let mut events = client.events();
    let request = CreateSandbox {
        auto_delete_interval: None,
        ..contract.request("life")
    };
    let (sandbox, toolbox) = contract.started(&request).await;
    assert_eq!(
        (sandbox.name.as_str(), &sandbox.env),
        (contract.name("life").as_str(), &request.env)
    );
    assert_eq!(sandbox.labels, request.labels);
    found(contract, &sandbox).await;
    assert_eq!(refused(client.create(&request).await).0, 409);
    assert_eq!(refused(client.get("none-of-this-name").await).0, 404);
    settings(contract, &sandbox).await;

    // What lies on its disk outlives a stop.
    let kept = toolbox.execute(ExecuteRequest::new("echo kept > ~/kept")).await;
    assert_eq!(kept.expect("it runs").exit_code, 0);
    client.stop(&sandbox.id).await.expect("it stops");
    client
        .wait(&sandbox.id, STOPPED, PATIENCE)
        .await
        .expect("it is stopped");
    assert!(toolbox.work_dir().await.is_err());
    client.start(&sandbox.id).await.expect("it starts");
    client
        .wait(&sandbox.id, STARTED, PATIENCE)
        .await
        .expect("it is started");
    let there = toolbox.execute(ExecuteRequest::new("cat ~/kept")).await;
    assert_eq!(there.expect("it runs again").result, "kept\n");
    if events.is_connected() {
        tells(&mut events, &sandbox.id).await;
    } else {
        contract.not_served("events");
    }

    copies(contract, &sandbox).await;
    sizes(contract, &sandbox).await;
    contract.may("pause", client.pause(&sandbox.id).await);
    contract.may("backup", client.create_backup(&sandbox.id).await);
    contract.may("recover", recovered(contract, &sandbox).await);
    client.force_stop(&sandbox.id).await.expect("it stops at once");
    client
        .wait(&sandbox.id, STOPPED, PATIENCE)
        .await
        .expect("it is stopped");
    if let Some(archived) = contract.may("archive", client.archive(&sandbox.id).await) {
        assert_eq!(archived.id, sandbox.id);
        let wanted = [SandboxState::Archived];
        client
            .wait(&sandbox.id, &wanted, PATIENCE)
            .await
            .expect("it is archived");
    }
    client.delete(&sandbox.id).await.expect("it is deleted");
    let gone = client
        .wait(&sandbox.id, &[SandboxState::Destroyed], PATIENCE)
        .await;
    assert_eq!(gone.expect("it is gone").state, Some(SandboxState::Destroyed));
    assert_eq!(refused(client.delete("none-of-this-name").await).0, 404);
    builds(contract).await;
}

/// Recovering what has no error is refused, and says so.
async fn recovered(contract: &Contract, sandbox: &Sandbox) -> Result<(), daytona::Error> {
    match contract.client.recover(&sandbox.id, true).await {
        Err(error) if matches!(error.status(), Some(400 | 409)) => Ok(()),
        other => other.map(drop),
    }
}

/// It was told that the sandbox stopped and started.
async fn tells(events: &mut daytona::Events, id: &str) {
    let mut seen = Vec::new();
    while seen.last() != Some(&SandboxState::Started) || !seen.contains(&SandboxState::Stopped) {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        if let Event::SandboxState(change) = event.expect("the changes are told")
            && change.sandbox.id == id
        {
            seen.push(change.new_state);
        }
    }
}

async fn found(contract: &Contract, sandbox: &Sandbox) {
    let client = &contract.client;
    assert_eq!(client.get(&sandbox.name).await.expect("by name").id, sandbox.id);
    let labels = BTreeMap::from([("contract".to_owned(), contract.mark.clone())]);
    // The list may be behind for a moment.
    for attempt in 0.. {
        let all = client.list_all(&labels).await.expect("it is listed");
        if all.iter().any(|listed| listed.id == sandbox.id) {
            break;
        }
        assert!(attempt < 60, "never listed");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut wanted = ListSandboxes {
        labels,
        limit: Some(1),
        states: vec![SandboxState::Started],
        sort: Some("createdAt".into()),
        order: Some("asc".into()),
        name: Some(sandbox.name[..6].to_uppercase()),
        ..ListSandboxes::default()
    };
    let page = client.list(&wanted).await.expect("a page");
    assert_eq!(
        page.items.iter().map(|listed| &listed.id).collect::<Vec<_>>(),
        [&sandbox.id]
    );
    wanted.states = vec![SandboxState::Archived];
    assert!(client.list(&wanted).await.expect("a page").items.is_empty());
}

async fn settings(contract: &Contract, sandbox: &Sandbox) {
    let client = &contract.client;
    let id = sandbox.id.as_str();
    let mut labels = sandbox.labels.clone();
    labels.insert("more".into(), "ü".into());
    client
        .set_labels(id, labels.clone())
        .await
        .expect("labels are set");
    client.set_auto_stop(id, 30).await.expect("auto-stop is set");
    client
        .set_auto_archive(id, 60)
        .await
        .expect("auto-archive is set");
    client
        .set_auto_delete(id, Some(120))
        .await
        .expect("auto-delete is set");
    let now = client.get(id).await.expect("it is there");
    assert_eq!(now.labels, labels);
    assert_eq!(
        (
            now.auto_stop_interval,
            now.auto_archive_interval,
            now.auto_delete_interval
        ),
        (Some(30), Some(60), Some(120))
    );
    client
        .set_auto_delete(id, None)
        .await
        .expect("auto-delete is off");
    assert_eq!(
        client.get(id).await.expect("it is there").auto_delete_interval,
        Some(-1)
    );
    contract.may("time to live", client.set_time_to_live(id, 600).await);
    contract.may("time to live", client.set_time_to_live(id, 0).await);
    contract.may("auto-pause", client.set_auto_pause(id, 0).await);
    client.refresh_activity(id).await.expect("it is in use");
    client
        .refresh_activity_by(id, "contract")
        .await
        .expect("and by whom");
    if contract
        .may("public", client.set_public(id, true).await)
        .is_some()
    {
        assert!(client.get(id).await.expect("it is there").public);
        client.set_public(id, false).await.expect("it is private again");
    }
    let network = NetworkSettings {
        network_block_all: Some(true),
        ..NetworkSettings::default()
    };
    if let Some(changed) = contract.may("network settings", client.set_network(id, &network).await) {
        assert!(changed.network_block_all);
        assert_eq!(
            refused(client.set_network(id, &NetworkSettings::default()).await).0,
            400
        );
    }
    contract.may("sandbox secrets", client.set_secrets(id, BTreeMap::new()).await);
}

async fn copies(contract: &Contract, sandbox: &Sandbox) {
    let client = &contract.client;
    let fork = client.fork(&sandbox.id, Some(&contract.name("fork"))).await;
    if let Some(fork) = contract.may("fork", fork) {
        client
            .wait(&fork.id, STARTED, PATIENCE)
            .await
            .expect("the fork starts");
        if let Some(forks) = contract.may("forks", client.forks(&sandbox.id, false).await) {
            assert!(forks.iter().any(|listed| listed.id == fork.id));
        }
        if let Some(parent) = contract.may("parent", client.fork_parent(&fork.id).await) {
            assert_eq!(parent.id, sandbox.id);
        }
        contract.may("ancestors", client.fork_ancestors(&fork.id).await);
        client.delete(&fork.id).await.expect("the fork is deleted");
        let gone = [SandboxState::Destroyed];
        client
            .wait(&fork.id, &gone, PATIENCE)
            .await
            .expect("the fork is gone");
    }
    let request = CreateSandboxSnapshot {
        name: contract.name("taken"),
        include_memory: false,
    };
    let taken = client.create_sandbox_snapshot(&sandbox.id, &request).await;
    if contract.may("snapshot of a sandbox", taken).is_none() {
        return;
    }
    client
        .wait(&sandbox.id, STARTED, PATIENCE)
        .await
        .expect("it goes on");
    let snapshot = client
        .wait_snapshot(&request.name, PATIENCE)
        .await
        .expect("the snapshot is there");
    let again = CreateSandbox {
        snapshot: Some(request.name.clone()),
        ..contract.request("again")
    };
    let (copy, toolbox) = contract.started(&again).await;
    let there = toolbox
        .execute(ExecuteRequest::new("cat ~/kept"))
        .await
        .expect("it runs");
    assert_eq!(there.result, "kept\n");
    client.delete(&copy.id).await.expect("it is deleted");
    let gone = [SandboxState::Destroyed];
    client.wait(&copy.id, &gone, PATIENCE).await.expect("it is gone");
    client
        .delete_snapshot(&snapshot.id)
        .await
        .expect("the snapshot is deleted");
}

async fn sizes(contract: &Contract, sandbox: &Sandbox) {
    let client = &contract.client;
    let larger = ResizeSandbox {
        memory: Some(sandbox.memory + 1),
        ..ResizeSandbox::default()
    };
    if let Some(resized) = contract.may("resize", client.resize(&sandbox.id, &larger).await) {
        assert_eq!(resized.id, sandbox.id);
        let now = client
            .wait(&sandbox.id, STARTED, PATIENCE)
            .await
            .expect("it goes on");
        assert_eq!(now.memory, sandbox.memory + 1);
        let smaller = ResizeSandbox {
            memory: Some(sandbox.memory),
            ..ResizeSandbox::default()
        };
        assert_eq!(refused(client.resize(&sandbox.id, &smaller).await).0, 400);
    }
}

/// An image to build, where images can be built.
async fn builds(contract: &Contract) {
    let client = &contract.client;
    let request = CreateSandbox {
        build_info: Some(CreateBuildInfo {
            dockerfile_content: "FROM debian:12.9\nENV BUILT=yes\n".into(),
            context_hashes: None,
        }),
        ..contract.request("built")
    };
    match client.create(&request).await {
        Ok(sandbox) => {
            if let Some(logs) = contract.may("build logs", client.sandbox_build_logs(&sandbox.id).await) {
                logs.text().await.expect("the build speaks");
            }
            let built = client.wait(&sandbox.id, STARTED, PATIENCE * 4).await;
            built.expect("it is built");
            client.delete(&sandbox.id).await.expect("it is deleted");
        }
        // A provider that cannot build says so.
        Err(error) => assert_eq!(error.status(), Some(400), "{error}"),
    }
}
