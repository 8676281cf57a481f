//! Snapshots, volumes, secrets, warm pools, registries, storage.

use super::{Contract, PATIENCE, refused};
use daytona::{
    CreateSecret, CreateSnapshot, CreateWarmPool, ListSecrets, ListSnapshots, SnapshotState, UpdateSecret,
    WriteDockerRegistry,
};

pub async fn contract(contract: &Contract) {
    snapshots(contract).await;
    volumes(contract).await;
    secrets(contract).await;
    warm_pools(contract).await;
    registries(contract).await;
}

async fn snapshots(contract: &Contract) {
    let client = &contract.client;
    let wanted = ListSnapshots {
        page: Some(1),
        limit: Some(10),
        ..ListSnapshots::default()
    };
    let Some(page) = contract.may("snapshots", client.list_snapshots(&wanted).await) else {
        return;
    };
    assert!(page.total >= page.items.len() as u64 && page.page == 1);
    if let Some(first) = page.items.first() {
        let shown = client.snapshot(&first.name).await.expect("found by name");
        assert_eq!(shown.id, first.id);
    }
    assert_eq!(refused(client.snapshot("none-of-this-name").await).0, 404);
    let request = CreateSnapshot {
        name: contract.name("snapshot"),
        image_name: Some("python:3.12-slim".into()),
        ..CreateSnapshot::default()
    };
    match client.create_snapshot(&request).await {
        Ok(created) => {
            let ready = client
                .wait_snapshot(&created.id, PATIENCE * 4)
                .await
                .expect("it becomes active");
            assert_eq!(ready.state, SnapshotState::Active);
            contract.may("deactivate", client.deactivate_snapshot(&created.id).await);
            contract.may("activate", client.activate_snapshot(&created.id).await);
            contract.may(
                "snapshot build logs",
                client.snapshot_build_logs(&created.id).await.map(drop),
            );
            client.delete_snapshot(&created.id).await.expect("it is deleted");
        }
        // A provider that has no such image says so.
        Err(error) => assert_eq!(error.status(), Some(400), "{error}"),
    }
}

async fn volumes(contract: &Contract) {
    let client = &contract.client;
    let name = contract.name("volume");
    let Some(created) = contract.may("volumes", client.create_volume(&name).await) else {
        return;
    };
    assert_eq!(client.volume(&created.id).await.expect("by id").name, name);
    assert_eq!(
        client.volume_by_name(&name).await.expect("by name").id,
        created.id
    );
    assert_eq!(refused(client.create_volume(&name).await).0, 409);
    let listed = client.list_volumes(false).await.expect("they are listed");
    assert!(listed.iter().any(|volume| volume.id == created.id));
    // It may take a moment until it can be deleted.
    for _ in 0..60 {
        match client.delete_volume(&created.id).await {
            Ok(()) => break,
            Err(error) => assert!(matches!(error.status(), Some(400 | 409)), "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let gone = client.volume_by_name("none-of-this-name").await;
    assert_eq!(refused(gone).0, 404);
}

async fn secrets(contract: &Contract) {
    let client = &contract.client;
    let request = CreateSecret {
        name: contract.name("secret").replace('-', "_"),
        value: "s3cret".into(),
        description: Some("of the contract".into()),
        hosts: Some(vec!["example.org".into()]),
    };
    let Some(created) = contract.may("secrets", client.create_secret(&request).await) else {
        return;
    };
    assert_eq!(created.hosts, ["example.org"]);
    assert!(!created.placeholder.contains("s3cret"));
    let change = UpdateSecret {
        description: Some("changed".into()),
        ..UpdateSecret::default()
    };
    let changed = client
        .update_secret(&created.id, &change)
        .await
        .expect("it changes");
    assert_eq!(changed.description.as_deref(), Some("changed"));
    assert_eq!(
        client.secret(&created.id).await.expect("it is there").name,
        request.name
    );
    let page = client
        .list_secrets(&ListSecrets::default())
        .await
        .expect("they are listed");
    assert!(page.total >= 1 && !page.items.is_empty());
    client.delete_secret(&created.id).await.expect("it is deleted");
    assert_eq!(refused(client.secret(&created.id).await).0, 404);
}

async fn warm_pools(contract: &Contract) {
    let client = &contract.client;
    let Some(pools) = contract.may("warm pools", client.list_warm_pools().await) else {
        return;
    };
    let config = client.service_config().await.expect("it tells its settings");
    let request = CreateWarmPool {
        snapshot: config.default_snapshot,
        pool: 1,
        target: None,
    };
    let Some(created) = contract.may("create warm pool", client.create_warm_pool(&request).await) else {
        return;
    };
    assert!(!pools.iter().any(|pool| pool.id == created.id));
    let resized = client
        .resize_warm_pool(&created.id, 2)
        .await
        .expect("it is resized");
    assert_eq!(resized.pool as u32, 2);
    client.delete_warm_pool(&created.id).await.expect("it is deleted");
}

async fn registries(contract: &Contract) {
    let client = &contract.client;
    contract.may("storage", client.storage_access().await);
    let Some(_) = contract.may("registries", client.list_registries().await) else {
        return;
    };
    let mut request = WriteDockerRegistry {
        name: contract.name("registry"),
        url: "https://registry.example.org".into(),
        username: "me".into(),
        password: Some("s3cret".into()),
        project: None,
    };
    let Some(created) = contract.may("create registry", client.create_registry(&request).await) else {
        return;
    };
    assert_eq!(
        client.registry(&created.id).await.expect("it is there").url,
        request.url
    );
    request.username = "you".into();
    let changed = client
        .update_registry(&created.id, &request)
        .await
        .expect("it changes");
    assert_eq!(changed.username, "you");
    client.delete_registry(&created.id).await.expect("it is deleted");
}
