//! The same start, asked for more than once: one run.

use crate::{studio::Studio, told::Told};
use daytona::wire::Stream;
use model::{AgentSettings, Cursor, Language, RunState};
use runs::RunsError;

#[tokio::test]
async fn many_at_once_are_one_run() {
    let studio = Studio::open().await;
    studio.provider.world.programs_print("once\n", 0);
    let request = studio.request();
    let asked = (0..32).map(|_| studio.runs.start(request.clone()));
    for started in futures::future::join_all(asked).await {
        assert_eq!(started.unwrap().id, request.id);
    }
    let told = studio.told(&request.id).await;
    assert_eq!(told.text(), "once\n");
    assert_eq!(told.run().number, 1);
    assert_eq!(studio.provider.world.calls("/exec"), 1);
    assert_eq!(studio.provider.world.calls("POST /api/sandbox"), 1);
    assert_eq!(
        studio
            .store
            .list_runs(&model::TeamId::first(), Some(&studio.agent), None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn again_while_it_runs_after_its_end_and_after_restarts_it_is_the_same() {
    let mut studio = Studio::open().await;
    let request = studio.request();
    studio.runs.start(request.clone()).await.unwrap();
    studio.until(&request.id, RunState::Running).await;
    assert_eq!(
        studio.runs.start(request.clone()).await.unwrap().state,
        RunState::Running
    );
    studio.restart().await;
    assert_eq!(studio.runs.start(request.clone()).await.unwrap().id, request.id);
    studio.provider.world.exit(6);
    assert_eq!(studio.told(&request.id).await.run().exit_code, Some(6));
    assert_eq!(
        studio.runs.start(request.clone()).await.unwrap().exit_code,
        Some(6)
    );
    studio.restart().await;
    let again = studio.runs.start(request.clone()).await.unwrap();
    assert_eq!((again.state, again.exit_code), (RunState::Failed, Some(6)));
    assert_eq!(studio.provider.world.calls("/exec"), 1);
    assert_eq!(studio.provider.world.count(), 0);
}

#[tokio::test]
async fn the_id_of_another_agents_run_is_refused() {
    let studio = Studio::open().await;
    studio.provider.world.programs_print("mine\n", 0);
    let request = studio.request();
    studio.runs.start(request.clone()).await.unwrap();
    studio.told(&request.id).await;
    let owner = studio.store.users().await.unwrap().remove(0).id;
    let settings = AgentSettings::new("Another", "", Language::Python);
    let files = [(crate::studio::path("agent.py"), b"print(1)\n".to_vec())];
    let other = studio
        .store
        .create_agent(&model::TeamId::first(), &owner, &settings, &files)
        .await
        .unwrap();
    let stolen = runs::StartRun {
        agent: other.id,
        ..request
    };
    let refused = studio.runs.start(stolen).await;
    assert!(matches!(refused, Err(RunsError::Conflict(_))), "{refused:?}");
    assert_eq!(studio.provider.world.calls("/exec"), 1);
}

#[tokio::test]
async fn a_reconnect_only_reads() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.print(Stream::Stdout, b"one\ntwo\n");
    let mut told = Told::default();
    let mut follower = studio.follower(&run).await;
    while told.text() != "one\ntwo\n" {
        for message in follower.next().await.unwrap() {
            told.take(message);
        }
    }
    let seen = follower.cursor();
    let (calls, row) = (world.all_calls(), studio.store.run(&run).await.unwrap());
    let events = studio.store.events_after(&run, 0, 500).await.unwrap();
    for offset in [0, 3, seen.offset] {
        for _ in 0..10 {
            let cursor = Cursor {
                offset,
                ..Cursor::default()
            };
            let mut again = studio.runs.follow(&run, cursor).await.unwrap();
            let mut told = Told::default();
            for message in again.next().await.unwrap() {
                told.take(message);
            }
            assert_eq!(told.bytes(), b"one\ntwo\n"[offset as usize..]);
        }
    }
    assert_eq!(world.all_calls(), calls, "the provider was asked nothing");
    assert_eq!(studio.store.run(&run).await.unwrap(), row);
    assert_eq!(studio.store.events_after(&run, 0, 500).await.unwrap(), events);
    world.exit(0);
    assert_eq!(studio.told(&run).await.text(), "one\ntwo\n");
    assert_eq!((world.calls("/exec"), world.calls("POST /api/sandbox")), (1, 1));
}
