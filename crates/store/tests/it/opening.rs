//! Opening a database, and what is said when it cannot be used.

use crate::fresh::{Fresh, agent, on_both, path, postgres_schema};
use model::{InstanceRole, SaveOutcome};
use sqlx::{Connection as _, SqliteConnection};
use std::{fs, future::poll_fn, os::unix::fs::PermissionsExt as _, pin::Pin, task::Poll, time::Duration};
use store::{Pools, Store, StoreError};

async fn refusal(url: &str) -> StoreError {
    Store::open(url).await.expect_err(url)
}

fn writer(store: &Store) -> &sqlx::SqlitePool {
    match store.pools() {
        Pools::Sqlite(pool) => pool,
        Pools::Postgres(_) => panic!("not SQLite"),
    }
}

on_both! {
    async fn answers_a_ping(store: Store) {
        store.ping().await.expect("an answer");
    }

    async fn after_closing_it_says_so(store: Store) {
        store.close().await;
        let error = store.ping().await.expect_err("closed");
        assert!(error.to_string().contains("shutting down"), "{error}");
    }

    // A browser that goes away gives up a request at any await.
    async fn a_write_that_is_given_up_is_done_whole_or_not_at_all(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let (big, bytes) = (path("big.bin"), vec![7; 300_000]);
        let mut given_up = 0;
        const LAST: i64 = 39;
        for steps in 0..=LAST {
            let mut save = Box::pin(store.save_file(&scout, &big, &bytes, None));
            let mut saved = None;
            for _ in 0..steps {
                saved = step(save.as_mut()).await;
                if saved.is_some() {
                    break;
                }
            }
            // However long a save takes, one of them is not given up.
            if steps == LAST && saved.is_none() {
                saved = Some(save.as_mut().await);
            }
            given_up += u32::from(saved.is_none());
            drop(save);
            let text = format!("after {steps}");
            let next = store.save_file(&scout, &path("agent.py"), text.as_bytes(), Some(steps + 1)).await;
            assert!(matches!(next.expect(&text), SaveOutcome::Saved(_)), "the connection can be used again");
            let there = store.list_files(&scout).await.expect("files").iter().any(|file| file.path == big);
            assert!(there || saved.is_none(), "what was said to be saved is");
            if there {
                assert_eq!(store.file_bytes(&scout, &big).await.expect("all of it"), bytes);
                store.delete_file(&scout, &big, None).await.expect("deleted");
            }
        }
        assert!((2..40).contains(&given_up), "some are given up, some are not: {given_up}");
    }

    async fn nul_in_text_neither_fails_nor_finds(store: Store) {
        agent(&store, "Scout").await;
        assert!(matches!(store.agent_by_slug(&model::TeamId::first(), "scout\0").await, Err(StoreError::NotFound(_))));
        assert!(store.user_by_name("ada\0").await.expect("an answer").is_none());
    }
}

#[tokio::test]
async fn what_was_stored_is_there_after_opening_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("new folder/100%?#.db");
    let url = format!("sqlite://{}", file.display());
    let store = Store::open(&url).await.expect("a new database");
    store
        .create_user("ada", InstanceRole::Owner, None)
        .await
        .expect("a user");
    store.close().await;
    let names: Vec<_> = fs::read_dir(folder.path().join("new folder"))
        .expect("files")
        .collect();
    assert_eq!(names.len(), 1, "no journal stays behind: {names:?}");
    assert_eq!(
        fs::metadata(&file).expect("the file").permissions().mode() & 0o777,
        0o600
    );
    let store = Store::open(&url).await.expect("the same database");
    assert_eq!(store.users_count().await.expect("a count"), 1);
}

/// `pitlane serve` and another command may be started at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_may_be_opened_several_times_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut urls = vec![format!("sqlite://{}/pitlane.db", folder.path().display())];
    urls.extend(postgres_schema().await);
    for url in urls {
        let opening: Vec<_> = (0..6)
            .map(|n| {
                let url = url.clone();
                tokio::spawn(async move {
                    let store = Store::open(&url).await.expect("a database");
                    store
                        .create_user(&format!("user {n}"), InstanceRole::Owner, None)
                        .await
                        .expect("a user");
                    store
                })
            })
            .collect();
        for store in opening {
            store.await.expect("no panic").close().await;
        }
        let store = Store::open(&url).await.expect("the same database");
        assert_eq!(store.users_count().await.expect("a count"), 6);
    }
}

#[tokio::test]
async fn in_memory_nothing_is_shared_and_nothing_lost() {
    let (one, other) = (
        Store::open("sqlite::memory:").await,
        Store::open("sqlite::memory:").await,
    );
    let (one, other) = (one.expect("a database"), other.expect("another"));
    let scout = agent(&one, "Scout").await;
    assert_eq!(other.users_count().await.expect("a count"), 0);
    // Larger than what SQLite keeps in memory: it goes to a file without a name.
    for n in 0..9 {
        one.save_file(&scout.id, &path(&format!("{n}.bin")), &vec![n; 4_000_000], None)
            .await
            .expect("a file");
    }
    assert_eq!(
        one.file_bytes(&scout.id, &path("7.bin")).await.expect("a file"),
        vec![7; 4_000_000]
    );
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut urls = vec![format!("sqlite://{}/pitlane.db", folder.path().display())];
    urls.extend(postgres_schema().await);
    for url in urls {
        let store = Store::open(&url).await.expect("a database");
        let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                     select 9999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1";
        match store.pools() {
            Pools::Sqlite(pool) => drop(sqlx::query(newer).execute(pool).await.expect("a row")),
            Pools::Postgres(pool) => drop(sqlx::query(newer).execute(pool).await.expect("a row")),
        }
        store.close().await;
        let error = refusal(&url).await;
        assert!(matches!(error, StoreError::TooNew(_)), "{error:?}");
        assert!(error.to_string().contains("version 9999"), "{error}");
    }
}

#[tokio::test]
async fn unusable_addresses_are_told_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| format!("sqlite://{}/{name}", folder.path().display());
    fs::write(folder.path().join("letter.txt"), "Dear Ada, ".repeat(500)).expect("a file");
    for (url, words) in [
        (
            "mysql://localhost/x".to_owned(),
            "neither sqlite:// nor postgres://",
        ),
        ("sqlite://".to_owned(), "names no file"),
        (
            "sqlite:///proc/pitlane.db".to_owned(),
            "/proc/pitlane.db cannot be opened for writing",
        ),
        (at("letter.txt/pitlane.db"), "Not a directory"),
        (at(""), "Is a directory"),
        (at("letter.txt"), "is not a database"),
        ("postgres://ada@%2Fnonexistent/x".to_owned(), "cannot be reached"),
        ("postgres://ada@[x/".to_owned(), "address cannot be used"),
    ] {
        let error = refusal(&url).await;
        let sentence = error.to_string();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(
            sentence.contains(words) && sentence.ends_with('.'),
            "{url}: {sentence}"
        );
    }
    assert!(
        fs::read_to_string(folder.path().join("letter.txt"))
            .expect("the letter")
            .starts_with("Dear")
    );
}

#[tokio::test]
async fn a_postgres_that_refuses_says_why() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        return;
    };
    let sentence = refusal(&url.replace("/postgres", "/nothing_of_this_name"))
        .await
        .to_string();
    assert!(sentence.contains("does not exist"), "{sentence}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let fresh = Fresh::sqlite().await;
    let scout = agent(&fresh.store, "Scout").await;
    sqlx::query("pragma max_page_count = 100")
        .execute(writer(&fresh.store))
        .await
        .expect("a limit");
    let (big, bytes) = (path("big.bin"), vec![7; 2_000_000]);
    let save = fresh.store.save_file(&scout.id, &big, &bytes, None);
    let error = save.await.expect_err("full");
    assert!(
        error.to_string().contains("disk that holds the database is full"),
        "{error}"
    );
    assert_eq!(fresh.store.list_files(&scout.id).await.expect("files").len(), 1);
    let small = fresh
        .store
        .save_file(&scout.id, &path("small.txt"), b"x", None)
        .await;
    small.expect("there is room for a small one");
}

#[tokio::test]
async fn a_lock_of_another_program_is_waited_for_and_then_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pitlane.db");
    let store = Store::open(&format!("sqlite://{}", file.display()))
        .await
        .expect("a database");
    let mut other = SqliteConnection::connect(&file.display().to_string())
        .await
        .expect("a connection");
    sqlx::query("begin immediate")
        .execute(&mut other)
        .await
        .expect("the lock");
    assert_eq!(store.users_count().await.expect("readers go on"), 0);

    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.create_user("ada", InstanceRole::Owner, None).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "it waits");
    sqlx::query("commit").execute(&mut other).await.expect("unlocked");
    waiting.await.expect("no panic").expect("then it writes");

    sqlx::query("pragma busy_timeout = 50")
        .execute(writer(&store))
        .await
        .expect("a shorter wait");
    sqlx::query("begin immediate")
        .execute(&mut other)
        .await
        .expect("the lock");
    let error = store
        .create_user("bob", InstanceRole::Owner, None)
        .await
        .expect_err("locked");
    assert!(error.to_string().contains("locked by another program"), "{error}");
}

/// Polls once, then lets the database work a little.
async fn step<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let polled = poll_fn(|context| Poll::Ready(Pin::new(&mut future).poll(context))).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    match polled {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
