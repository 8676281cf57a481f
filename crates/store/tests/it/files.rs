//! Saving, renaming and deleting files.

use crate::fresh::{agent, on_both, path};
use model::{AgentId, FileEntry, SaveOutcome};
use store::StoreError;

fn saved(outcome: SaveOutcome) -> FileEntry {
    match outcome {
        SaveOutcome::Saved(entry) => entry,
        SaveOutcome::Conflict(current) => panic!("somebody else saved {current:?}"),
    }
}

on_both! {
    async fn a_save_is_based_on_a_version(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let file = path("agent.py");
        let second = saved(store.save_file(&scout, &file, b"two", Some(1)).await.expect("saved"));
        assert_eq!((second.version, second.size), (2, 3));
        // Somebody who still has version 1 is given the current text, and nothing changes.
        let outcome = store.save_file(&scout, &file, b"mine", Some(1)).await.expect("an outcome");
        let SaveOutcome::Conflict(current) = outcome else { panic!("{outcome:?}") };
        assert_eq!((current.entry, current.text.as_deref()), (second.clone(), Some("two")));
        // The same bytes again are no conflict and no version: an answer that was lost is asked for again.
        assert_eq!(saved(store.save_file(&scout, &file, b"two", Some(1)).await.expect("saved")), second);
        assert_eq!(store.read_file(&scout, &file).await.expect("the file").entry, second);
        assert_eq!(store.file_bytes(&scout, &file).await.expect("bytes"), b"two");
    }

    async fn of_two_saves_at_once_one_wins(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        for version in 1..6 {
            let saves = (0..4).map(|n| {
                let (store, scout) = (store.clone(), scout.clone());
                tokio::spawn(async move {
                    let text = format!("{version} by {n}");
                    store.save_file(&scout, &path("agent.py"), text.as_bytes(), Some(version)).await.expect("an outcome")
                })
            });
            let mut won = 0;
            for save in saves.collect::<Vec<_>>() {
                won += u32::from(matches!(save.await.expect("no panic"), SaveOutcome::Saved(_)));
            }
            assert_eq!(won, 1);
        }
    }

    async fn a_new_file_takes_nobodys_place(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let made = saved(store.save_file(&scout, &path("a/b.txt"), b"", None).await.expect("saved"));
        assert_eq!(made.version, 1);
        let outcome = store.save_file(&scout, &path("a/b.txt"), b"", None).await.expect("an outcome");
        assert!(matches!(outcome, SaveOutcome::Conflict(_)), "{outcome:?}");
        for (name, words) in [("a", "folder a already"), ("agent.py/x", "agent.py is a file"), ("a/b.txt/c/d", "a/b.txt is a file")] {
            let error = store.save_file(&scout, &path(name), b"", None).await.expect_err(name);
            assert!(matches!(&error, StoreError::Conflict(sentence) if sentence.contains(words)), "{error:?}");
        }
        // Names that only begin alike are no folders of each other.
        for name in ["a-b", "a.b", "agent.p", "a/b.txt2", "A", "\u{1f680} \u{e9}.py", "100%_done"] {
            saved(store.save_file(&scout, &path(name), b"", None).await.expect(name));
        }
        let names: Vec<_> = store.list_files(&scout).await.expect("files").into_iter().map(|file| String::from(file.path)).collect();
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(names, sorted, "in order of bytes on both databases");
        assert_eq!(names.len(), 9);
    }

    async fn a_deleted_file_is_not_saved_by_accident(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let file = path("agent.py");
        let error = store.delete_file(&scout, &file, Some(7)).await.expect_err("another version");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        store.delete_file(&scout, &file, Some(1)).await.expect("deleted");
        for error in [
            store.save_file(&scout, &file, b"x", Some(1)).await.expect_err("gone"),
            store.delete_file(&scout, &file, None).await.expect_err("gone"),
            store.read_file(&scout, &file).await.expect_err("gone"),
            store.file_bytes(&scout, &file).await.expect_err("gone"),
            store.save_file(&AgentId::generate(), &file, b"x", None).await.expect_err("no agent"),
        ] {
            assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        }
        assert!(store.list_files(&scout).await.expect("files").is_empty());
        saved(store.save_file(&scout, &file, b"x", None).await.expect("saved"));
    }

    async fn renaming_keeps_the_version(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let (old, new) = (path("agent.py"), path("agent.py/main.py"));
        let second = saved(store.save_file(&scout, &old, b"two", Some(1)).await.expect("saved"));
        let renamed = store.rename_file(&scout, &old, &new).await.expect("into a folder of its own name");
        assert_eq!(renamed, FileEntry { path: new.clone(), ..second });
        let third = saved(store.save_file(&scout, &new, b"three", Some(2)).await.expect("saved"));
        assert_eq!(third.version, 3);
        saved(store.save_file(&scout, &path("b"), b"", None).await.expect("saved"));
        for (from, to, words) in [
            (&path("b"), &new, "file agent.py/main.py already"),
            (&path("b"), &path("agent.py"), "folder agent.py already"),
            (&path("b"), &path("agent.py/main.py/x"), "is a file"),
            (&old, &path("c"), "no file agent.py"),
        ] {
            let error = store.rename_file(&scout, from, to).await.expect_err(words);
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(store.rename_file(&scout, &new, &new).await.expect("no change"), third);
        assert_eq!(store.list_files(&scout).await.expect("files").len(), 2);
    }

    async fn limits_are_told(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let error = store.save_file(&scout, &path("big"), &vec![0; 20_000_000], None).await.expect_err("too large");
        assert!(error.to_string().contains("20.0 MB") && error.to_string().contains("5.0 MB"), "{error}");
        let big = vec![0; 5_000_000];
        for n in 0..9 {
            saved(store.save_file(&scout, &path(&format!("{n}")), &big, None).await.expect("saved"));
        }
        saved(store.save_file(&scout, &path("last"), &big[..4_999_900], None).await.expect("saved"));
        for (name, base) in [("more", None), ("last", Some(1))] {
            let error = store.save_file(&scout, &path(name), &big, base).await.expect_err("too much");
            assert!(matches!(&error, StoreError::Invalid(invalid) if invalid.0.contains("50.0 MB is the limit")), "{error:?}");
        }
        saved(store.save_file(&scout, &path("last"), b"smaller", Some(1)).await.expect("saved"));
    }

    async fn no_more_than_a_thousand_files(store: Store) {
        let scout = agent(&store, "Scout").await;
        let files: Vec<_> = (0..1000).map(|n| (path(&format!("{n}")), vec![])).collect();
        let full = store.create_agent(&model::TeamId::first(), &scout.owner, &scout.settings, &files).await.expect("an agent").id;
        let error = store.save_file(&full, &path("more"), b"", None).await.expect_err("too many");
        assert!(error.to_string().contains("1,000 files"), "{error}");
        saved(store.save_file(&full, &path("7"), b"changed", Some(1)).await.expect("saved"));
    }

    async fn bytes_that_are_no_text_are_kept_as_they_are(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        for (name, bytes) in [("empty", &b""[..]), ("nul", b"a\0b"), ("latin", b"caf\xe9"), ("all", &(0..=255).collect::<Vec<u8>>())] {
            saved(store.save_file(&scout, &path(name), bytes, None).await.expect("saved"));
            let read = store.read_file(&scout, &path(name)).await.expect("the file");
            assert_eq!(read.text.as_deref().map(str::as_bytes), std::str::from_utf8(bytes).ok().map(str::as_bytes));
            assert_eq!(store.file_bytes(&scout, &path(name)).await.expect("bytes"), bytes);
        }
    }
}
