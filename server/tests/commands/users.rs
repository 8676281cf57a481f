//! `pitlane user`: what an operator does to accounts without the site.

use super::{folder, pitlane, stderr, stdout};
use model::{InstanceRole, Role, SignInWay, TeamId};
use std::path::Path;
use store::{LinkPurpose, Store};

async fn store(folder: &Path) -> Store {
    let path = folder.join("pitlane-data/pitlane.db");
    Store::open(&format!("sqlite://{}", path.display()))
        .await
        .expect("a database")
}

/// Runs it; what it said, and with which code it ended.
fn user(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let output = pitlane(folder)
        .arg("user")
        .args(arguments)
        .output()
        .expect("started");
    (
        stdout(&output) + &stderr(&output),
        output.status.code().expect("a code"),
    )
}

#[tokio::test]
async fn accounts_are_listed_disabled_enabled_reset_and_deleted() {
    let folder = folder();
    let path = folder.path();
    let (said, code) = {
        let store = store(path).await;
        store
            .create_user("ada", InstanceRole::Owner, Some("hash".to_owned()))
            .await
            .expect("Ada");
        store.close().await;
        user(path, &["delete", "ada"])
    };
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("the only account"), "{said}");

    let database = store(path).await;
    let bob = database
        .create_user("bob", InstanceRole::Person, Some("hash".to_owned()))
        .await
        .expect("Bob");
    let team = TeamId::first();
    database
        .add_member(&team, Role::Owner, &bob.id, Role::Member)
        .await
        .expect("taken in");
    let session = database
        .create_account_session(&bob.id, SignInWay::Password, "curl/8", "10.0.0.1")
        .await
        .expect("a session");
    let (said, code) = user(path, &["list"]);
    assert_eq!((code, said.lines().count()), (0, 2), "{said}");
    assert!(
        said.contains("bob\tenabled\tlast here just now\t1 browsers\t0 tokens"),
        "{said}"
    );

    let (link, code) = user(path, &["reset", "bob"]);
    assert_eq!(code, 0, "{link}");
    let token = link
        .trim()
        .strip_prefix("http://127.0.0.1:3000/reset/")
        .expect("a link");
    let hash = runs::links::hash(token);
    let found = database
        .link_user(LinkPurpose::Reset, &hash)
        .await
        .expect("an answer");
    assert_eq!(found.expect("Bob").id, bob.id);

    let (said, code) = user(path, &["disable", "bob"]);
    assert_eq!(code, 0, "{said}");
    assert!(!database.is_session_good(&session).await.expect("an answer"));
    assert!(
        user(path, &["list"])
            .0
            .contains("bob\tdisabled\tsigned in nowhere")
    );
    let (said, code) = user(path, &["link", "bob"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("pitlane user enable bob"), "{said}");
    assert_eq!(user(path, &["enable", "bob"]).1, 0);
    let (said, code) = user(path, &["delete", "bob"]);
    assert_eq!(code, 0, "{said}");
    assert!(database.user_by_name("bob").await.expect("an answer").is_none());
    let (said, code) = user(path, &["disable", "nobody"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("There is no account \u{201c}nobody\u{201d}"),
        "{said}"
    );
    database.close().await;
}
