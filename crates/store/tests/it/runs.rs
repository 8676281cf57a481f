//! Runs: their numbers, their one start, their final end, their events.

use crate::fresh::{agent, new_run, on_both, run, server};
use model::{
    AgentId, EventKind, Millis, Phase, PhaseRecord, RevisionId, Run, RunEvent, RunId, RunState, StopProof,
};
use store::{Attachment, Hold, NewRun, Store, StoreError};

async fn ended(store: &Store, new: &NewRun) -> Run {
    let (mut run, created) = store.create_run(new, &server()).await.expect("a run");
    assert!(created);
    run.state = RunState::Succeeded;
    store
        .save_run(&Hold::first(&run.id), &run, &[])
        .await
        .expect("saved");
    run
}

on_both! {
    async fn a_run_is_started_once(store: Store) {
        let (scout, other) = (agent(&store, "Scout").await, agent(&store, "Other").await);
        let new = new_run(&store, &scout).await;
        let starts = (0..6).map(|_| {
            let (store, new) = (store.clone(), new.clone());
            tokio::spawn(async move { store.create_run(&new, &server()).await.expect("the run") })
        });
        let mut created = 0;
        for start in starts.collect::<Vec<_>>() {
            let (run, new_one) = start.await.expect("no panic");
            assert_eq!((run.number, run.state, &run.args), (1, RunState::Queued, &new.args));
            created += u32::from(new_one);
        }
        assert_eq!(created, 1);
        let elsewhere = NewRun { agent: other.id, ..new.clone() };
        let error = store.create_run(&elsewhere, &server()).await.expect_err("taken");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");

        let second = NewRun { id: RunId::generate(), ..new.clone() };
        let error = store.create_run(&second, &server()).await.expect_err("one is unfinished");
        assert!(matches!(&error, StoreError::Conflict(sentence) if sentence.contains("Run 1") && sentence.contains("queued")), "{error:?}");
        for error in [
            store.create_run(&NewRun { agent: AgentId::generate(), ..second.clone() }, &server()).await.expect_err("no agent"),
            store.run(&second.id).await.expect_err("no run"),
        ] {
            assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        }
    }

    async fn a_run_that_cannot_be_made_takes_no_number(store: Store) {
        let scout = agent(&store, "Scout").await;
        let new = new_run(&store, &scout).await;
        let error = store.create_run(&NewRun { revision: RevisionId::generate(), ..new.clone() }, &server()).await;
        assert!(matches!(error, Err(StoreError::NotFound(_))), "{error:?}");
        assert_eq!(ended(&store, &new).await.number, 1);
    }

    async fn of_two_starts_at_once_one_wins(store: Store) {
        let scout = agent(&store, "Scout").await;
        let new = new_run(&store, &scout).await;
        let starts = (0..6).map(|_| {
            let (store, new) = (store.clone(), NewRun { id: RunId::generate(), ..new.clone() });
            tokio::spawn(async move { store.create_run(&new, &server()).await })
        });
        let mut made = 0;
        for start in starts.collect::<Vec<_>>() {
            match start.await.expect("no panic") {
                Ok(_) => made += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error:?}"),
            }
        }
        assert_eq!(made, 1);
    }

    async fn programs_run_an_agent_as_often_at_once_as_they_like(store: Store) {
        let scout = agent(&store, "Scout").await;
        let studio = new_run(&store, &scout).await;
        store.create_run(&studio, &server()).await.expect("the studio's");
        let starts = (0..6).map(|_| {
            let (store, new) = (store.clone(), NewRun { id: RunId::generate(), in_studio: false, ..studio.clone() });
            tokio::spawn(async move { store.create_run(&new, &server()).await.expect("a run").0.number })
        });
        let mut numbers = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            numbers.push(start.await.expect("no panic"));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 7]);
        let newest = store.newest_studio_run(&scout.id).await.expect("an answer").expect("a run");
        assert_eq!(newest.id, studio.id);
        let error = store.create_run(&NewRun { id: RunId::generate(), ..studio.clone() }, &server()).await;
        assert!(matches!(&error, Err(StoreError::Conflict(sentence)) if sentence.contains("Run 1 ")), "{error:?}");
        assert!(matches!(store.delete_agent(&scout.id).await, Err(StoreError::Conflict(_))));
    }

    async fn all_that_is_known_of_a_run_is_kept(store: Store) {
        let id = run(&store).await;
        let mut run = store.run(&id).await.expect("the run");
        assert_eq!(store.unfinished_runs().await.expect("a list"), [run.clone()]);
        run.state = RunState::TimedOut;
        run.reason = Some("It ran longer than 300 s.".into());
        run.exit_code = Some(137);
        run.sandbox = Some("sandbox-1".into());
        run.phases = vec![PhaseRecord { phase: Phase::Sandbox, started_at: Millis(5), took: Some(80), detail: Some("warm".into()), failed: false }];
        run.log_bytes = 1 << 40;
        run.log_lines = 7;
        run.started_at = Some(Millis(6));
        run.ended_at = Some(Millis(7));
        run.stop = Some(StopProof { took: 140, ended: Some(3), left: 0 });
        store.save_run(&Hold::first(&run.id), &run, &[]).await.expect("saved");
        assert_eq!(store.run(&id).await.expect("the run"), run);
        assert!(store.unfinished_runs().await.expect("a list").is_empty());
        // What is known later may be added, but an end is final.
        run.log_lines = 8;
        store.save_run(&Hold::first(&run.id), &run, &[]).await.expect("saved");
        for state in [RunState::Succeeded, RunState::Running] {
            let error = store.save_run(&Hold::first(&run.id), &Run { state, ..run.clone() }, &[]).await.expect_err("final");
            assert!(matches!(&error, StoreError::Conflict(sentence) if sentence.contains("timed_out")), "{error:?}");
        }
        assert_eq!(store.run(&id).await.expect("the run"), run);
        let nothing = RunId::generate();
        let error = store.save_run(&Hold::first(&nothing), &Run { id: nothing.clone(), ..run }, &[]).await.expect_err("no run");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
    }

    async fn lists_go_back_in_time(store: Store) {
        let (scout, other) = (agent(&store, "Scout").await, agent(&store, "Other").await);
        let mut ids = Vec::new();
        for n in 0..6 {
            let mut new = new_run(&store, if n % 3 == 0 { &other } else { &scout }).await;
            // Two at the same moment: then the id decides.
            new.created_at = Millis(1000 + n / 2);
            ids.push(ended(&store, &new).await.id);
        }
        ids.reverse();
        let listed = |runs: Vec<Run>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
        assert_eq!(listed(store.list_runs(&model::TeamId::first(), None, None, 99).await.expect("a list")), ids);
        let mut paged = Vec::new();
        while paged.len() < 6 {
            let page = store.list_runs(&model::TeamId::first(), None, paged.last(), 2).await.expect("a page");
            assert_eq!(page.len(), 2);
            paged.extend(listed(page));
        }
        assert_eq!(paged, ids);
        assert!(store.list_runs(&model::TeamId::first(), None, paged.last(), 2).await.expect("a page").is_empty());
        let of_scout = store.list_runs(&model::TeamId::first(), Some(&scout.id), None, 99).await.expect("a list");
        assert_eq!(of_scout.iter().map(|run| run.number).collect::<Vec<_>>(), [4, 3, 2, 1]);
        let page = store.list_runs(&model::TeamId::first(), Some(&scout.id), Some(&of_scout[1].id), 1).await.expect("a page");
        assert_eq!(page, [of_scout[2].clone()]);
        let error = store.list_runs(&model::TeamId::first(), None, Some(&RunId::generate()), 1).await.expect_err("no such run");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
    }

    async fn where_its_program_is(store: Store) {
        let id = run(&store).await;
        assert_eq!(store.attachment(&id).await.expect("an answer"), None);
        let attachment = Attachment { session: "run-1".into(), command: "c".into() };
        store.save_attachment(&Hold::first(&id), &attachment).await.expect("saved");
        assert_eq!(store.attachment(&id).await.expect("an answer"), Some(attachment.clone()));
        let nothing = RunId::generate();
        assert!(matches!(store.save_attachment(&Hold::first(&nothing), &attachment).await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.attachment(&nothing).await, Err(StoreError::NotFound(_))));
    }

    async fn events_are_kept_in_order_and_once(store: Store) {
        let id = run(&store).await;
        let (run, hold) = (store.run(&id).await.expect("the run"), Hold::first(&id));
        let event = |seq: i64| RunEvent {
            seq,
            at: Millis(9),
            offset: 7,
            kind: EventKind::System { text: format!("{seq} \0 \u{1f680} \"") },
        };
        let all = [event(1), event(2), event(3)];
        store.save_run(&hold, &run, &all[..2]).await.expect("saved");
        // Its answer was lost, and it is sent again with what came meanwhile.
        store.save_run(&hold, &run, &all).await.expect("saved");
        assert_eq!(store.events_after(&id, 0, 99).await.expect("events"), all);
        assert_eq!(store.events_after(&id, 1, 1).await.expect("events"), all[1..2]);
        assert!(store.events_after(&id, 3, 9).await.expect("events").is_empty());
    }
}
