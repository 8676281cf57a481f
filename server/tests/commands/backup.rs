//! Backups of a server at work, put back elsewhere, and moved to PostgreSQL.

use super::{
    folder, pitlane,
    serve::{serve, serve_as},
    stderr, stdout,
};
use model::{AgentSettings, FilePath, Language};
use std::{path::Path, process::Output};
use store::Store;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("pitlane-data/pitlane.db").display())
}

/// An agent, with a file that is no text.
fn add_agent(url: &str, name: &str) {
    block_on(async {
        let store = Store::open(url).await.expect("its database");
        let owner = store.users().await.expect("users").remove(0);
        let files = [
            (
                FilePath::parse("agent.py").expect("a path"),
                b"print(1)\n".to_vec(),
            ),
            (FilePath::parse("odd.bin").expect("a path"), (0..=255).collect()),
        ];
        let settings = AgentSettings::new(name, "", Language::Python);
        store
            .create_agent(&model::TeamId::first(), &owner.id, &settings, &files)
            .await
            .expect("an agent");
        store.close().await;
    });
}

/// The agents of a database, each with what is in its odd file.
fn agents(url: &str) -> Vec<String> {
    block_on(async {
        let store = Store::open(url).await.expect("its database");
        let mut slugs = Vec::new();
        for slug in ["scout", "later"] {
            let Ok(agent) = store.agent_by_slug(&model::TeamId::first(), slug).await else {
                continue;
            };
            let odd = FilePath::parse("odd.bin").expect("a path");
            let bytes = store.file_bytes(&agent.id, &odd).await.expect("a file");
            assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
            slugs.push(slug.to_owned());
        }
        store.close().await;
        slugs
    })
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    pitlane(folder).args(arguments).output().expect("started")
}

/// Refused with this exit code, in these words.
fn refused(output: &Output, words: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", stderr(output));
    assert!(stderr(output).contains(words), "{}", stderr(output));
}

#[test]
fn a_backup_of_a_server_at_work_is_put_back() {
    let (here, there) = (folder(), folder());
    let server = serve(here.path());
    add_agent(&sqlite(here.path()), "Scout");
    let backup = here.path().join("backup");
    let backup_text = backup.to_str().expect("a path");
    let made = run(here.path(), &["backup", backup_text]);
    assert!(made.status.success(), "{}", stderr(&made));
    let said = stdout(&made);
    assert!(said.contains("1 account, 1 agent and 0 runs"), "{said}");
    assert!(said.contains("The key of the secrets is not in it"), "{said}");
    add_agent(&sqlite(here.path()), "Later");
    refused(&run(here.path(), &["backup", backup_text]), "is there already");
    refused(
        &run(here.path(), &["restore", backup_text]),
        "Another Pitlane serves the data folder",
    );
    // From another data folder it is the same database all the same.
    let beside = pitlane(there.path())
        .args(["restore", backup_text, "--replace"])
        .env("DATABASE_URL", sqlite(here.path()))
        .output()
        .expect("started");
    refused(&beside, "Another server uses the database");
    server.assert_ready();
    assert_eq!(agents(&sqlite(here.path())), ["scout", "later"]);
    server.stop();
    // Elsewhere: whole, the same installation, without the key.
    let restored = run(there.path(), &["restore", backup_text]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(
        stdout(&restored).contains("holds no key"),
        "{}",
        stdout(&restored)
    );
    assert_eq!(agents(&sqlite(there.path())), ["scout"]);
    // Both say who did it; what was copied is older than the record of the copy.
    for (folder, done, not_done) in [
        (here.path(), "data.backup", "data.restore"),
        (there.path(), "data.restore", "data.backup"),
    ] {
        let log = stdout(&run(folder, &["audit", "export"]));
        let record = log.lines().find(|line| line.contains(done)).expect("a record");
        assert!(record.contains("command_line"), "{record}");
        assert!(!log.contains(not_done), "{log}");
        let checked = run(folder, &["audit", "verify"]);
        assert!(checked.status.success(), "{}", stderr(&checked));
    }
    let name = |folder: &Path| std::fs::read(folder.join("pitlane-data/instance")).expect("a name");
    assert_eq!(name(here.path()), name(there.path()));
    assert!(!there.path().join("pitlane-data/master.key").exists());
    let server = serve(there.path());
    server.assert_ready();
    server.stop();
    // In the place of what is there, which is kept.
    refused(
        &run(here.path(), &["restore", backup_text]),
        "--replace puts the backup in its place",
    );
    let key = std::fs::read(here.path().join("pitlane-data/master.key")).expect("a key");
    let replaced = run(here.path(), &["restore", backup_text, "--replace"]);
    assert!(replaced.status.success(), "{}", stderr(&replaced));
    assert_eq!(agents(&sqlite(here.path())), ["scout"]);
    assert_eq!(
        std::fs::read(here.path().join("pitlane-data/master.key")).expect("a key"),
        key
    );
    let kept = std::fs::read_dir(here.path().join("pitlane-data"))
        .expect("readable")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.to_string_lossy();
            name.contains(".replaced-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .expect("the old database");
    assert_eq!(
        agents(&format!("sqlite://{}", kept.display())),
        ["scout", "later"]
    );
}

#[test]
fn the_key_goes_along_only_when_that_is_asked_for() {
    let (here, there) = (folder(), folder());
    serve(here.path()).stop();
    let key = std::fs::read(here.path().join("pitlane-data/master.key")).expect("a key");
    let made = run(here.path(), &["backup", "with", "--with-key"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(here.path().join("with"))
            .expect("a file")
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    let with = here.path().join("with");
    let restored = run(there.path(), &["restore", with.to_str().expect("a path")]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert_eq!(
        std::fs::read(there.path().join("pitlane-data/master.key")).expect("a key"),
        key
    );
    let set = pitlane(here.path())
        .args(["backup", "other", "--with-key"])
        .env("PITLANE_MASTER_KEY", "00".repeat(32))
        .output()
        .expect("started");
    refused(&set, "is in PITLANE_MASTER_KEY");
    assert!(!here.path().join("other").exists() && !here.path().join("other.part").exists());
}

#[test]
fn half_a_backup_changes_nothing() {
    let (here, there) = (folder(), folder());
    serve(here.path()).stop();
    assert!(run(here.path(), &["backup", "whole"]).status.success());
    let whole = std::fs::read(here.path().join("whole")).expect("readable");
    std::fs::write(there.path().join("half"), &whole[..whole.len() / 2]).expect("written");
    refused(&run(there.path(), &["restore", "half"]), "it is not whole");
    refused(
        &run(there.path(), &["restore", "nothing"]),
        "nothing cannot be read",
    );
    assert!(!there.path().join("pitlane-data/pitlane.db").exists());
    refused(&run(there.path(), &["backup", "x"]), "There is no database");
}

#[test]
fn everything_moves_to_postgresql_and_back_up_again() {
    if testkit::postgres::find_binaries().is_none() {
        return;
    }
    let postgres = testkit::postgres::start().expect("a PostgreSQL");
    let here = folder();
    let server = serve(here.path());
    let from = sqlite(here.path());
    add_agent(&from, "Scout");
    let migrate = || {
        run(
            here.path(),
            &["migrate-data", "--from", &from, "--to", postgres.url()],
        )
    };
    refused(&migrate(), "Another Pitlane serves the data folder");
    server.stop();
    let moved = migrate();
    assert!(moved.status.success(), "{}", stderr(&moved));
    assert!(
        stdout(&moved).contains("each table was read again and is the same"),
        "{}",
        stdout(&moved)
    );
    assert_eq!(agents(postgres.url()), ["scout"]);
    let again = migrate();
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(
        stdout(&again).contains("in the other database already"),
        "{}",
        stdout(&again)
    );
    let server = serve_as(here.path(), |command| {
        command.env("DATABASE_URL", postgres.url());
    });
    server.assert_ready();
    let on_postgres = |arguments: &[&str]| {
        pitlane(here.path())
            .args(arguments)
            .env("DATABASE_URL", postgres.url())
            .output()
            .expect("started")
    };
    let made = on_postgres(&["backup", "beside-a-server"]);
    assert!(made.status.success(), "{}", stderr(&made));
    add_agent(postgres.url(), "Later");
    // From another machine, so to speak, a restore finds the server in the database.
    let other = folder();
    let elsewhere = |arguments: &[&str]| {
        pitlane(other.path())
            .args(arguments)
            .env("DATABASE_URL", postgres.url())
            .output()
            .expect("started")
    };
    let backup = here.path().join("beside-a-server");
    let backup = backup.to_str().expect("a path");
    refused(
        &elsewhere(&["restore", backup, "--replace"]),
        "A server is alive on the target database",
    );
    server.stop();
    refused(&migrate(), "has something in it already");
    refused(&on_postgres(&["restore", backup]), "--replace deletes that first");
    assert_eq!(agents(postgres.url()), ["scout", "later"]);
    let replaced = on_postgres(&["restore", backup, "--replace"]);
    assert!(replaced.status.success(), "{}", stderr(&replaced));
    assert_eq!(agents(postgres.url()), ["scout"]);
    // And into SQLite.
    let into = run(other.path(), &["restore", backup]);
    assert!(into.status.success(), "{}", stderr(&into));
    assert_eq!(agents(&sqlite(other.path())), ["scout"]);
}
