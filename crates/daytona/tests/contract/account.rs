//! The service, keys, organizations, regions.

use super::{Contract, refused};
use daytona::{Client, Config, CreateApiKey, Error};

pub async fn contract(contract: &Contract) {
    let client = &contract.client;
    assert_eq!(client.health().await.expect("it is well").status, "ok");
    let config = client.service_config().await.expect("it tells its settings");
    assert!(!config.version.is_empty() && !config.default_snapshot.is_empty());

    let stranger = Config {
        api_url: client.api_url().to_owned(),
        ..Config::new("dtn_of_nobody")
    };
    let stranger = Client::new(stranger).expect("a client");
    assert_eq!(refused(stranger.get("x").await).0, 401);

    keys(contract).await;
    if let Some(organizations) = contract.may("organizations", client.list_organizations().await) {
        for organization in organizations {
            let shown = client.organization(&organization.id).await;
            if let Some(shown) = contract.may("organization", shown) {
                assert_eq!(shown.id, organization.id);
            }
            let usage = client.organization_usage(&organization.id).await;
            if let Some(usage) = contract.may("organization usage", usage) {
                assert!(usage.current_snapshot_usage >= 0.0);
            }
        }
    }
    if let Some(me) = contract.may("me", client.me().await) {
        assert!(!me.id.is_empty());
    }
    if let Some(regions) = contract.may("regions", client.list_regions().await) {
        let first = regions.first().expect("there is a region");
        if let Some(region) = contract.may("region", client.region(&first.id).await) {
            assert_eq!(region.name, first.name);
        }
    }
    contract.may("shared regions", client.list_shared_regions().await);
}

async fn keys(contract: &Contract) {
    let client = &contract.client;
    contract.may("current key", client.current_api_key().await);
    let request = CreateApiKey {
        name: contract.name("key"),
        permissions: vec!["write:sandboxes".into()],
        expires_at: None,
    };
    let Some(created) = contract.may("create key", client.create_api_key(&request).await) else {
        return;
    };
    assert_eq!(created.permissions, request.permissions);
    let listed = client.list_api_keys().await.expect("keys are listed");
    let listed = listed
        .iter()
        .find(|key| key.name == request.name)
        .expect("and so is this one");
    assert!(
        !listed.value.contains(&created.value),
        "only the first answer shows a key"
    );
    assert_eq!(
        client.api_key(&request.name).await.expect("it is there").name,
        request.name
    );

    let other = Config {
        api_url: client.api_url().to_owned(),
        ..Config::new(created.value)
    };
    let other = Client::new(other).expect("a client");
    let may: Result<_, Error> = other.list(&daytona::ListSandboxes::default()).await;
    may.expect("a new key opens");
    client.delete_api_key(&request.name).await.expect("it is deleted");
    assert_eq!(refused(other.get("x").await).0, 401);
    assert_eq!(refused(client.api_key(&request.name).await).0, 404);
}
