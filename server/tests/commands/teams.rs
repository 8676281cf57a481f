//! Teams and their people, with the real program.

use super::{folder, pitlane, stderr, stdout};
use model::InstanceRole;
use std::path::Path;
use store::Store;

/// Makes the accounts, as the site does.
async fn accounts(folder: &Path) {
    let path = folder.join("pitlane-data/pitlane.db");
    let store = Store::open(&format!("sqlite://{}", path.display()))
        .await
        .expect("a database");
    for (name, role) in [("ada", InstanceRole::Owner), ("bob", InstanceRole::Person)] {
        store.create_user(name, role, None).await.expect("an account");
    }
    store.close().await;
}

#[tokio::test]
async fn an_operator_makes_teams_and_takes_people_in() {
    let folder = folder();
    accounts(folder.path()).await;
    let team = |line: &[&str]| {
        let output = pitlane(folder.path()).arg("team").args(line).output();
        let output = output.expect("started");
        (output.status.success(), stdout(&output), stderr(&output))
    };
    assert_eq!(
        team(&["create", "Core", "--owner", "ada"]).1,
        "The team Core is made; ada owns it.\n"
    );
    let list = team(&["list"]).1;
    assert!(
        list.contains("\tFirst team\t1 person") && list.contains("\tCore\t1 person"),
        "{list}"
    );
    assert_eq!(team(&["add", "core", "bob"]).1, "bob is a member of Core.\n");
    assert_eq!(
        team(&["role", "Core", "bob", "admin"]).1,
        "bob is an admin of Core.\n"
    );
    assert_eq!(team(&["members", "Core"]).1, "ada\towner\nbob\tadmin\n");
    for (line, words) in [
        (vec!["remove", "Core", "ada"], "only owner"),
        (vec!["add", "Core", "bob"], "already"),
        (
            vec!["role", "Core", "bob", "king"],
            "viewer, member, admin and owner",
        ),
        (vec!["members", "Nowhere"], "pitlane team list"),
        (vec!["create", "cORE", "--owner", "ada"], "already"),
        (vec!["add", "Core", "eve"], "no account"),
    ] {
        let (done, _, said) = team(&line);
        assert!(!done && said.contains(words), "{line:?}: {said}");
    }

    // A token acts in one team, which has to be named by who is in several.
    let token = |line: &[&str]| {
        let output = pitlane(folder.path()).arg("token").args(line).output();
        let output = output.expect("started");
        (stdout(&output), stderr(&output))
    };
    let (text, said) = token(&["create", "ci", "--user", "ada"]);
    assert!(
        text.is_empty() && said.contains("name one of Core, First team with --team"),
        "{said}"
    );
    let (text, said) = token(&["create", "ci", "--user", "ada", "--team", "core"]);
    assert!(text.starts_with("plt_"), "{said}");
    let (text, said) = token(&["create", "ci", "--user", "bob"]);
    assert!(text.starts_with("plt_"), "{said}");
    assert_eq!(
        team(&["remove", "Core", "bob"]).1,
        "bob is not in Core any more.\n"
    );
    let (_, said) = token(&["list", "--user", "bob"]);
    assert!(said.contains("bob is in no team."), "{said}");
}
