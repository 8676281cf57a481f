//! Revisions never change, and are made only when something did.

use crate::fresh::{agent, on_both, path};
use model::{AgentId, Millis, RevisionId, RunId};
use store::StoreError;

on_both! {
    async fn a_revision_per_change(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let first = store.snapshot(&scout).await.expect("a revision");
        assert_eq!((first.number, first.files.len()), (1, 1));
        assert_eq!(store.snapshot(&scout).await.expect("the same"), first);
        store.save_file(&scout, &path("a.txt"), b"A", None).await.expect("saved");
        store.save_file(&scout, &path("agent.py"), b"two", Some(1)).await.expect("saved");
        let second = store.snapshot(&scout).await.expect("a revision");
        assert_eq!(second.number, 2);
        assert_eq!(store.agent(&scout).await.expect("the agent").revision_number, 2);
        // A rename is a change; going back to old content is one too.
        store.rename_file(&scout, &path("a.txt"), &path("b.txt")).await.expect("renamed");
        assert_eq!(store.snapshot(&scout).await.expect("a revision").number, 3);
        store.delete_file(&scout, &path("b.txt"), None).await.expect("deleted");
        store.save_file(&scout, &path("agent.py"), b"print('hello')\n", Some(2)).await.expect("saved");
        let fourth = store.snapshot(&scout).await.expect("a revision");
        assert_eq!((fourth.number, fourth.files[0].sha256 == first.files[0].sha256), (4, true));

        assert_eq!(store.revision(&first.id).await.expect("the first"), first);
        assert_eq!(store.revision(&second.id).await.expect("the second"), second);
        let files = store.revision_files(&second.id).await.expect("files");
        assert_eq!(files, [(path("a.txt"), b"A".to_vec()), (path("agent.py"), b"two".to_vec())]);
    }

    async fn what_a_revision_holds_is_not_collected(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        store.save_file(&scout, &path("a.txt"), b"kept", None).await.expect("saved");
        let revision = store.snapshot(&scout).await.expect("a revision");
        store.save_file(&scout, &path("a.txt"), b"never in a revision", Some(1)).await.expect("saved");
        store.delete_file(&scout, &path("a.txt"), None).await.expect("deleted");
        assert_eq!(store.collect_blobs(Millis(Millis::now().0 + 1000)).await.expect("collected"), 1);
        let files = store.revision_files(&revision.id).await.expect("files");
        assert_eq!(files[0], (path("a.txt"), b"kept".to_vec()));
    }

    async fn an_agent_without_files_has_an_empty_revision(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        store.delete_file(&scout, &path("agent.py"), None).await.expect("deleted");
        let revision = store.snapshot(&scout).await.expect("a revision");
        assert!(store.revision_files(&revision.id).await.expect("files").is_empty());
        for error in [
            store.snapshot(&AgentId::generate()).await.expect_err("no agent"),
            store.revision(&RevisionId::generate()).await.expect_err("no revision"),
            store.revision_files(&RevisionId::generate()).await.expect_err("no revision"),
        ] {
            assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        }
    }

    async fn files_of_one_run_are_a_revision_and_not_the_agents(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let saved = store.snapshot(&scout).await.expect("a revision");
        let files = [(path("b.py"), b"two".to_vec()), (path("a.py"), b"one".to_vec())];
        let given = store.snapshot_of(&scout, &files).await.expect("a revision");
        assert_eq!((given.number, store.revision(&given.id).await.expect("it")), (2, given.clone()));
        let held = store.revision_files(&given.id).await.expect("files");
        assert_eq!(held, [(path("a.py"), b"one".to_vec()), (path("b.py"), b"two".to_vec())]);
        assert_eq!(store.list_files(&scout).await.expect("files"), saved.files);
        assert_eq!(store.snapshot(&scout).await.expect("a revision").files, saved.files);
        assert_eq!(store.collect_blobs(Millis(Millis::now().0 + 1000)).await.expect("collected"), 0);
        let twice = [(path("a"), Vec::new()), (path("a"), Vec::new())];
        assert!(store.snapshot_of(&scout, &twice).await.is_err());
        let nobody = store.snapshot_of(&AgentId::generate(), &files).await;
        assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
    }

    async fn a_key_stands_for_what_was_sent_with_it_first(store: Store) {
        let (run, other) = (RunId::generate(), RunId::generate());
        assert!(store.is_same_request(&run, "one").await.expect("noted"));
        assert!(store.is_same_request(&run, "one").await.expect("noted"));
        assert!(!store.is_same_request(&run, "two").await.expect("noted"));
        assert!(store.is_same_request(&other, "two").await.expect("noted"));
    }

    async fn snapshots_at_once_are_one(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let snapshots = (0..6).map(|_| {
            let (store, scout) = (store.clone(), scout.clone());
            tokio::spawn(async move { store.snapshot(&scout).await.expect("a revision").number })
        });
        for snapshot in snapshots.collect::<Vec<_>>() {
            assert_eq!(snapshot.await.expect("no panic"), 1);
        }
    }
}
