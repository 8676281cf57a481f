//! Leases: a run is given to one server, and who has lost it writes nothing.

use crate::fresh::{agent, new_run, on_both, run, server};
use model::{
    EventKind, LogEnd, LogStream, Millis, RunEvent, RunId, RunState, SandboxId, SandboxRecord, SandboxState,
    log::{Record, encode},
};
use std::time::Duration;
use store::{Asked, Attachment, Chunk, Hold, Renewed, Replica, Standing, Store, StoreError};

fn another(id: &str, lease: Duration) -> Replica {
    Replica {
        id: id.into(),
        name: id.into(),
        lease,
        ..server()
    }
}

/// What a run's driver writes, of every kind.
async fn writes(store: &Store, hold: &Hold) -> Vec<Result<(), StoreError>> {
    let mut run = store.run(&hold.run).await.expect("the run");
    run.state = RunState::Preparing;
    run.reason = Some("written late".into());
    let event = RunEvent {
        seq: 77,
        at: Millis(1),
        offset: 0,
        kind: EventKind::System { text: "late".into() },
    };
    let mut frames = Vec::new();
    let output = Record::Output {
        stream: LogStream::Stdout,
        at: Millis(1),
        bytes: b"late",
    };
    encode(output, &mut frames);
    let chunk = Chunk {
        first_offset: store.stored_end(&hold.run).await.expect("an end").offset,
        length: 4,
        first_line: 0,
        at: Millis(1),
        frames,
        mark: None,
    };
    let end = LogEnd {
        bytes: 4,
        lines: 0,
        sha256: String::new(),
        exact: true,
    };
    let attachment = Attachment {
        session: "late".into(),
        command: "late".into(),
    };
    let record = SandboxRecord {
        id: SandboxId::generate(),
        provider: run.provider,
        provider_id: None,
        agent: run.agent.clone(),
        run: Some(run.id.clone()),
        state: SandboxState::Intended,
        resources: model::Resources::default(),
        created_at: Millis(1),
        used_at: Millis(1),
        expires_at: None,
    };
    let idle = SandboxRecord {
        id: SandboxId::generate(),
        ..record.clone()
    };
    store.intend_sandbox(&idle, &server(), None).await.expect("a row");
    store
        .sandbox_state(&idle.id, SandboxState::Idle, None, None)
        .await
        .expect("idle");
    vec![
        store.append_chunks(hold, &[chunk]).await,
        store.save_attachment(hold, &attachment).await,
        store.save_log_end(hold, &end).await,
        store.save_run_environment(hold, "late").await,
        store.intend_sandbox(&record, &server(), Some(hold)).await,
        store.sandbox_created(&idle.id, "late", Some(hold)).await,
        store
            .claim_sandbox(&idle.id, hold, &server(), Millis(2))
            .await
            .map(drop),
        store
            .sandbox_state(&idle.id, SandboxState::Deleting, None, Some(hold))
            .await,
        store.take_requests(hold).await.map(drop),
        store.save_run(hold, &run, &[event]).await,
        store.check_hold(hold).await,
    ]
}

on_both! {
    async fn who_has_lost_a_run_writes_nothing(store: Store) {
        store.register_server(&server()).await.expect("announced");
        let id = run(&store).await;
        let first = Hold::first(&id);
        for (place, written) in writes(&store, &first).await.into_iter().enumerate() {
            written.unwrap_or_else(|error| panic!("write {place}: {error}"));
        }
        store.leave_server(&server()).await.expect("gone");
        let other = another("server-2", Duration::from_secs(60));
        let second = store.take_left_runs(&other).await.expect("taken").remove(0);
        assert_eq!((&second.run, second.fence), (&id, 1));
        let before = (store.run(&id).await.expect("a run"), store.stored_end(&id).await.expect("an end"), store.events_after(&id, 0, 9).await.expect("events"));
        for (place, written) in writes(&store, &first).await.into_iter().enumerate() {
            assert!(matches!(written, Err(StoreError::Fenced(_))), "write {place}: {written:?}");
        }
        let after = (store.run(&id).await.expect("a run"), store.stored_end(&id).await.expect("an end"), store.events_after(&id, 0, 9).await.expect("events"));
        assert_eq!(before, after);
        assert!(writes(&store, &second).await.into_iter().all(|written| written.is_ok()));
    }

    async fn a_run_is_taken_over_by_one_and_only_when_nobody_alive_holds_it(store: Store) {
        let gone = another("gone", Duration::from_millis(1));
        store.register_server(&gone).await.expect("announced");
        let scout = agent(&store, "Scout").await;
        let (run, _) = store.create_run(&new_run(&store, &scout).await, &gone).await.expect("a run");
        assert_eq!(store.holder_of(&run.id).await.expect("an answer").as_deref(), Some("gone"));
        let mut alive = another("alive", Duration::from_secs(60));
        let renewed = store.renew_server(&alive).await.expect("renewed");
        assert!(renewed.lapsed, "it had none");
        assert_eq!(store.renew_server(&alive).await.expect("renewed"), Renewed { lapsed: false, others: 0 });
        // An engine of its own: its runs are of no use to others.
        alive.instance = "elsewhere".into();
        assert!(store.take_left_runs(&alive).await.expect("an answer").is_empty());
        alive.instance = server().instance;
        let takers = (0..4).map(|n| {
            let (store, taker) = (store.clone(), another(&format!("taker-{n}"), Duration::from_secs(60)));
            tokio::spawn(async move {
                store.renew_server(&taker).await.expect("renewed");
                store.take_left_runs(&taker).await.expect("an answer").len()
            })
        });
        let mut taken = 0;
        for taker in takers.collect::<Vec<_>>() {
            taken += taker.await.expect("no panic");
        }
        let holder = store.holder_of(&run.id).await.expect("an answer").expect("one");
        assert!(taken >= 1 && holder.starts_with("taker-"), "{taken} {holder}");
        assert!(store.take_left_runs(&alive).await.expect("an answer").is_empty(), "its holder is alive");
        assert_eq!(store.renew_server(&alive).await.expect("renewed").others, 4);
        let holder = another(&holder, Duration::from_secs(60));
        assert_eq!(store.held_runs(&holder).await.expect("a list"), std::slice::from_ref(&run.id));
        assert!(store.is_unfinished(&run.id).await.expect("an answer"));
        assert!(!store.is_unfinished(&RunId::generate()).await.expect("an answer"));
    }

    async fn a_server_that_comes_back_has_its_runs_at_once(store: Store) {
        let before = another("before", Duration::from_secs(60));
        store.register_server(&before).await.expect("announced");
        let scout = agent(&store, "Scout").await;
        let (run, _) = store.create_run(&new_run(&store, &scout).await, &before).await.expect("a run");
        let after = Replica { id: "after".into(), ..before };
        store.register_server(&after).await.expect("announced");
        assert_eq!(store.take_left_runs(&after).await.expect("taken"), [Hold { run: run.id, fence: 1 }]);
    }

    async fn the_installation_is_named_once(store: Store) {
        assert_eq!(store.installation("one").await.expect("a name"), "one");
        assert_eq!(store.installation("two").await.expect("a name"), "one");
    }

    async fn input_is_given_once_and_a_stop_to_each_driver(store: Store) {
        store.register_server(&server()).await.expect("announced");
        let id = run(&store).await;
        let hold = Hold::first(&id);
        let input = |byte: u8| Asked::Input { bytes: vec![byte, 0, 255], eof: byte == 2 };
        let first = store.ask_driver(&id, &input(1)).await.expect("asked");
        store.ask_driver(&id, &input(2)).await.expect("asked");
        store.ask_driver(&id, &Asked::Stop).await.expect("asked");
        assert_eq!(store.request_standing(&first).await.expect("an answer"), Standing::Waits);
        assert_eq!(store.runs_with_requests(&server()).await.expect("a list"), std::slice::from_ref(&id));
        let asked: Vec<_> = store.take_requests(&hold).await.expect("three").into_iter().map(|request| request.asked).collect();
        assert_eq!(asked, [input(1), input(2), Asked::Stop]);
        assert!(store.take_requests(&hold).await.expect("none").is_empty());
        assert!(store.runs_with_requests(&server()).await.expect("a list").is_empty());
        assert_eq!(store.request_standing(&first).await.expect("an answer"), Standing::Taken(0));
        store.answer_request(&first, &Err("No.".into())).await.expect("answered");
        assert_eq!(store.request_standing(&first).await.expect("an answer"), Standing::Answered(Err("No.".into())));
        store.answer_request(&first, &Ok(())).await.expect("answered");
        assert_eq!(store.request_standing(&first).await.expect("an answer"), Standing::Answered(Ok(())));
        store.forget_request(&first).await.expect("gone");
        assert_eq!(store.request_standing(&first).await.expect("an answer"), Standing::Gone);
        // The next driver has the stop again, and no input.
        store.leave_server(&server()).await.expect("gone");
        let other = another("server-2", Duration::from_secs(60));
        let second = store.take_left_runs(&other).await.expect("taken").remove(0);
        assert_eq!(store.runs_with_requests(&other).await.expect("a list"), std::slice::from_ref(&id));
        let asked = store.take_requests(&second).await.expect("one");
        assert_eq!(asked.iter().map(|request| &request.asked).collect::<Vec<_>>(), [&Asked::Stop]);
        store.forget_requests(&id).await.expect("gone");
        assert!(matches!(store.ask_driver(&RunId::generate(), &Asked::Stop).await, Err(StoreError::NotFound(_))));
    }
}

#[tokio::test]
async fn one_sqlite_database_has_one_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/pitlane.db", folder.path().display());
    let (one, other) = (
        Store::open(&url).await.expect("open"),
        Store::open(&url).await.expect("open"),
    );
    let serving = one.serve().await.expect("the first");
    let sentence = other.serve().await.expect_err("the second").to_string();
    assert!(
        sentence.contains("Another server uses the database") && sentence.contains("SQLite is for one"),
        "{sentence}"
    );
    other.ping().await.expect("a command beside it goes on");
    drop(serving);
    other.serve().await.expect("free again");
}

#[tokio::test]
async fn bells_are_heard_by_others() {
    let Some(fresh) = crate::fresh::Fresh::postgres().await else {
        return;
    };
    let mut bells = fresh
        .store
        .bells()
        .await
        .expect("listening")
        .expect("PostgreSQL has them");
    // Other tests ring on the same server.
    let words = format!("me {}", RunId::generate());
    fresh.store.ring(&words).await.expect("rung");
    let heard = async { while bells.next().await.expect("connected").as_ref() != Some(&words) {} };
    tokio::time::timeout(Duration::from_secs(10), heard)
        .await
        .expect("heard");
    drop(bells);
    fresh.store.close().await;
    assert!(
        crate::fresh::Fresh::sqlite()
            .await
            .store
            .bells()
            .await
            .expect("an answer")
            .is_none()
    );
}
