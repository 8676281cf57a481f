//! The change of the master key, with the real program.

use super::{folder, pitlane, stderr};
use model::{InstanceRole, SecretId};
use runs::{KeyFile, MasterKey, Vault};
use std::{fs, path::Path, process::Output};
use store::Store;

const VALUE: &str = "sk-live-0123456789";
const OLD: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const NEW: &str = "/////////////////////////////////////////w4=";

async fn store(folder: &Path) -> Store {
    let path = folder.join("pitlane-data/pitlane.db");
    Store::open(&format!("sqlite://{}", path.display()))
        .await
        .expect("a database")
}

/// Saves a secret as a server with this vault would.
async fn save(folder: &Path, vault: &Vault) -> SecretId {
    let store = store(folder).await;
    let owner = store
        .create_user("ada", InstanceRole::Owner, None)
        .await
        .expect("an owner");
    let id = SecretId::generate();
    let sealed = vault.seal(id.as_str(), VALUE).expect("sealed");
    store
        .create_secret(&model::TeamId::first(), &owner.id, &id, "API_KEY", &sealed)
        .await
        .expect("kept");
    store.close().await;
    id
}

async fn sealed(folder: &Path) -> String {
    let store = store(folder).await;
    let sealed = store
        .sealed_secrets(&model::TeamId::first())
        .await
        .expect("sealed")
        .remove(0)
        .sealed;
    store.close().await;
    sealed
}

fn rotate(folder: &Path, variables: &[(&str, &str)]) -> Output {
    pitlane(folder)
        .args(["secrets", "rotate-key"])
        .envs(variables.iter().copied())
        .output()
        .expect("started")
}

#[tokio::test]
async fn the_key_of_the_data_folder_is_replaced() {
    let folder = folder();
    let data = folder.path().join("pitlane-data");
    fs::create_dir(&data).expect("a folder");
    let file = KeyFile::of(&data);
    let before = file.open().expect("made");
    let id = save(folder.path(), &before).await;
    // The second time it goes on from a change that was interrupted before the database took it.
    for interrupted in [false, true] {
        if interrupted {
            file.begin_change().expect("begun");
        }
        let output = rotate(folder.path(), &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, "1 secret is encrypted with a new key.\n");
        let sealed = sealed(folder.path()).await;
        assert!(before.open(id.as_str(), &sealed).is_err());
        let after = file.open().expect("read");
        assert_eq!(after.open(id.as_str(), &sealed).expect("open"), VALUE);
        assert!(!data.join("master.key.next").exists());
    }
}

#[tokio::test]
async fn a_key_of_the_environment_needs_the_next_one_beside_it() {
    let folder = folder();
    fs::create_dir(folder.path().join("pitlane-data")).expect("a folder");
    let vault = |text| Vault::new(MasterKey::parse(text).expect("a key"));
    save(folder.path(), &vault(OLD)).await;
    let before = sealed(folder.path()).await;
    for (variables, words) in [
        (vec![("PITLANE_MASTER_KEY", OLD)], "set PITLANE_NEW_MASTER_KEY"),
        (
            vec![
                ("PITLANE_MASTER_KEY", OLD),
                ("PITLANE_NEW_MASTER_KEY", "swordfish"),
            ],
            "PITLANE_NEW_MASTER_KEY cannot be used",
        ),
        (
            vec![("PITLANE_MASTER_KEY", "swordfish")],
            "PITLANE_MASTER_KEY in the environment cannot be used",
        ),
    ] {
        let output = rotate(folder.path(), &variables);
        let said = stderr(&output);
        assert!(said.contains(words), "{said}");
        assert!(!said.contains("swordfish"), "no key is shown: {said}");
        assert!(!output.status.success(), "{said}");
        assert_eq!(sealed(folder.path()).await, before, "nothing is changed");
    }
}

#[tokio::test]
async fn it_is_encrypted_with_the_next_key() {
    let folder = folder();
    fs::create_dir(folder.path().join("pitlane-data")).expect("a folder");
    let vault = |text| Vault::new(MasterKey::parse(text).expect("a key"));
    let id = save(folder.path(), &vault(OLD)).await;
    let wrong = rotate(folder.path(), &[]);
    assert!(
        stderr(&wrong).contains("another master key"),
        "{}",
        stderr(&wrong)
    );
    let variables = [("PITLANE_MASTER_KEY", OLD), ("PITLANE_NEW_MASTER_KEY", NEW)];
    let output = rotate(folder.path(), &variables);
    assert!(output.status.success(), "{}", stderr(&output));
    let sealed = sealed(folder.path()).await;
    assert_eq!(vault(NEW).open(id.as_str(), &sealed).expect("open"), VALUE);
}
