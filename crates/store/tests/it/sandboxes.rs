//! The ledger of sandboxes.

use crate::fresh::{agent, on_both, run, server};
use model::{AgentId, Millis, Provider, Resources, RunId, SandboxId, SandboxRecord, SandboxState};
use store::{Hold, StoreError};

fn intended(agent: &AgentId) -> SandboxRecord {
    SandboxRecord {
        id: SandboxId::generate(),
        provider: Provider::Embedded,
        provider_id: None,
        agent: agent.clone(),
        run: Some(RunId::generate()),
        state: SandboxState::Intended,
        resources: Resources {
            cpu: 2,
            memory_gib: 3,
            disk_gib: 4,
        },
        created_at: Millis(10),
        used_at: Millis(10),
        expires_at: None,
    }
}

on_both! {
    async fn from_intent_to_the_end(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        let mut record = intended(&scout);
        store.intend_sandbox(&record, &server(), None).await.expect("written");
        assert!(matches!(store.intend_sandbox(&record, &server(), None).await, Err(StoreError::Conflict(_))));
        assert_eq!(store.sandbox(&record.id).await.expect("the row"), record);
        assert_eq!(store.live_sandbox_of(&scout, &server()).await.expect("an answer"), None, "not known to the provider yet");
        store.sandbox_created(&record.id, "provider-1", None).await.expect("noted");
        record.provider_id = Some("provider-1".into());
        record.state = SandboxState::InUse;
        assert_eq!(store.live_sandbox_of(&scout, &server()).await.expect("an answer"), Some(record.clone()));
        store.sandbox_state(&record.id, SandboxState::Idle, Some(Millis(50)), None).await.expect("idle");
        assert!(store.expired_sandboxes(Millis(49), &server()).await.expect("none").is_empty());
        record.state = SandboxState::Idle;
        record.expires_at = Some(Millis(50));
        assert_eq!(store.expired_sandboxes(Millis(50), &server()).await.expect("one"), [record.clone()]);
        // Its agent goes; the row stays until the provider confirms.
        store.delete_agent(&scout).await.expect("deleted");
        assert_eq!(store.list_sandboxes().await.expect("one"), [record.clone()]);
        assert!(store.retire_sandbox(&record.id).await.expect("an answer"));
        assert!(store.expired_sandboxes(Millis(99), &server()).await.expect("none").is_empty());
        assert_eq!(store.list_sandboxes().await.expect("one")[0].state, SandboxState::Deleting);
        store.sandbox_state(&record.id, SandboxState::Deleted, None, None).await.expect("gone");
        assert!(store.list_sandboxes().await.expect("none").is_empty());
        assert_eq!(store.sandbox(&record.id).await.expect("the row").state, SandboxState::Deleted);
    }

    async fn an_answer_that_comes_late_does_not_revive(store: Store) {
        let record = intended(&agent(&store, "Scout").await.id);
        store.intend_sandbox(&record, &server(), None).await.expect("written");
        store.sandbox_state(&record.id, SandboxState::Deleting, None, None).await.expect("given up");
        store.sandbox_created(&record.id, "late", None).await.expect("noted");
        let row = store.sandbox(&record.id).await.expect("the row");
        assert_eq!((row.state, row.provider_id.as_deref()), (SandboxState::Deleting, Some("late")));
    }

    async fn one_that_is_gone_stays_gone(store: Store) {
        let record = intended(&agent(&store, "Scout").await.id);
        store.intend_sandbox(&record, &server(), None).await.expect("written");
        store.sandbox_created(&record.id, "p", None).await.expect("noted");
        store.sandbox_state(&record.id, SandboxState::Deleted, None, None).await.expect("gone");
        // The second of two that delete it, who began before the first was done.
        for state in [SandboxState::Deleting, SandboxState::Idle, SandboxState::Deleted] {
            store.sandbox_state(&record.id, state, Some(Millis(50)), None).await.expect("nothing to do");
            let row = store.sandbox(&record.id).await.expect("the row");
            assert_eq!((row.state, row.expires_at), (SandboxState::Deleted, None), "{state:?}");
        }
        store.sandbox_created(&record.id, "late", None).await.expect("noted");
        assert!(store.list_sandboxes().await.expect("none").is_empty());
    }

    async fn an_idle_sandbox_is_taken_by_one(store: Store) {
        let id = run(&store).await;
        let record = intended(&agent(&store, "Scout").await.id);
        store.intend_sandbox(&record, &server(), None).await.expect("written");
        store.sandbox_created(&record.id, "p", None).await.expect("noted");
        assert!(store.claim_sandbox(&record.id, &Hold::first(&id), &server(), Millis(60)).await.expect("in use").is_none());
        store.sandbox_state(&record.id, SandboxState::Idle, Some(Millis(50)), None).await.expect("idle");
        let takes = (0..8).map(|n| {
            let (store, sandbox, id) = (store.clone(), record.id.clone(), id.clone());
            tokio::spawn(async move {
                if n % 2 == 0 {
                    store.claim_sandbox(&sandbox, &Hold::first(&id), &server(), Millis(60)).await.expect("an answer").is_some()
                } else {
                    store.retire_sandbox(&sandbox).await.expect("an answer")
                }
            })
        });
        let mut taken = 0;
        for take in takes.collect::<Vec<_>>() {
            taken += u32::from(take.await.expect("no panic"));
        }
        assert_eq!(taken, 1);
        store.sandbox_state(&record.id, SandboxState::Idle, Some(Millis(50)), None).await.expect("idle");
        assert!(store.claim_sandbox(&record.id, &Hold::first(&id), &server(), Millis(60)).await.expect("an answer").is_some());
        let row = store.sandbox(&record.id).await.expect("the row");
        assert_eq!((row.state, row.run, row.used_at, row.expires_at), (SandboxState::InUse, Some(id), Millis(60), None));
    }

    async fn the_newest_live_one_counts(store: Store) {
        let scout = agent(&store, "Scout").await.id;
        for at in [5, 9, 7] {
            let record = SandboxRecord { created_at: Millis(at), ..intended(&scout) };
            store.intend_sandbox(&record, &server(), None).await.expect("written");
            store.sandbox_created(&record.id, &format!("p{at}"), None).await.expect("noted");
        }
        let live = store.live_sandbox_of(&scout, &server()).await.expect("an answer").expect("one");
        assert_eq!(live.provider_id.as_deref(), Some("p9"));
        let order: Vec<_> = store.list_sandboxes().await.expect("a list").iter().map(|row| row.created_at.0).collect();
        assert_eq!(order, [5, 7, 9]);
        let nothing = SandboxId::generate();
        for error in [
            store.sandbox(&nothing).await.expect_err("none"),
            store.sandbox_created(&nothing, "x", None).await.expect_err("none"),
            store.sandbox_state(&nothing, SandboxState::Idle, None, None).await.expect_err("none"),
        ] {
            assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        }
    }
}
