//! Stop and timeout, in every state, with proof.

use crate::{fake::Fault, studio::Studio};
use daytona::wire::Stream;
use model::{Phase, RunState};
use runs::StartRun;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_stop_is_told_with_its_proof() {
    let studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    studio.provider.world.print(Stream::Stdout, b"working\n");
    studio.runs.stop(&run).await.unwrap();
    studio.runs.stop(&run).await.unwrap();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped);
    let proof = told.run().stop.as_ref().unwrap();
    assert_eq!((proof.ended, proof.left), (Some(1), 0));
    assert!(
        told.rows().contains("1 process ended, none left"),
        "{}",
        told.rows()
    );
    assert_eq!(told.text(), "working\n");
    assert_eq!(studio.provider.world.count(), 0);
    studio.runs.stop(&run).await.unwrap();
}

#[tokio::test]
async fn a_stop_works_while_the_sandbox_is_made_and_leaks_nothing() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.fail("POST /api/sandbox", Fault::Delay(Duration::from_secs(3)), 1);
    let run = studio.start().await;
    studio.until(&run, RunState::Preparing).await;
    studio.runs.stop(&run).await.unwrap();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped);
    assert!(told.phase(Phase::Run).is_none());
    assert_eq!(world.calls("POST /api/sandbox"), 1);
    assert_eq!(
        (world.count(), world.lock().deleted.len()),
        (0, 1),
        "it came late and went"
    );
}

#[tokio::test]
async fn a_stop_works_in_the_queue() {
    let studio = Studio::with(|config| config.concurrency = 1, |_| {}).await;
    let first = studio.start().await;
    studio.until(&first, RunState::Running).await;
    let owner = studio.store.agent(&studio.agent).await.unwrap().owner;
    let settings = model::AgentSettings::new("Second", "", model::Language::Python);
    let files = [(crate::studio::path("agent.py"), b"1\n".to_vec())];
    let second = studio
        .store
        .create_agent(&model::TeamId::first(), &owner, &settings, &files)
        .await
        .unwrap();
    let request = StartRun {
        agent: second.id,
        ..studio.request()
    };
    let second = studio.runs.start(request).await.unwrap();
    studio.runs.stop(&second.id).await.unwrap();
    let told = studio.told(&second.id).await;
    assert_eq!(told.run().state, RunState::Stopped);
    assert_eq!(told.run().stop.as_ref().unwrap().left, 0);
    studio.provider.world.exit(0);
    studio.told(&first).await;
}

#[tokio::test]
async fn a_run_past_its_time_is_ended() {
    let studio = Studio::open().await;
    let request = StartRun {
        timeout_seconds: Some(1),
        ..studio.request()
    };
    let began = Instant::now();
    let run = studio.runs.start(request).await.unwrap().id;
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::TimedOut);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(
        told.run().reason.as_ref().unwrap().contains("1.0 s"),
        "{:?}",
        told.run().reason
    );
    assert!(told.run().stop.is_some());
    assert_eq!(studio.provider.world.count(), 0);
}

#[tokio::test]
async fn a_stop_is_not_told_before_it_is_true() {
    let studio = Studio::with(
        |config| config.provider_deadline = Duration::from_secs(60),
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.fail("DELETE /toolbox", Fault::Status(500), u32::MAX);
    studio.runs.stop(&run).await.unwrap();
    studio
        .until_true("the reason is shown", || async {
            let run = studio.store.run(&run).await.unwrap();
            assert!(!matches!(run.state, RunState::Stopped) || run.stop.is_some());
            run.reason.is_some_and(|reason| reason.starts_with("Stopping."))
        })
        .await;
    world.forget_faults();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped);
    assert_eq!(told.run().stop.as_ref().unwrap().ended, Some(1));
}

#[tokio::test]
async fn what_the_session_cannot_end_ends_with_the_sandbox() {
    let studio = Studio::with(|_| {}, |settings| settings.keep_minutes = 5).await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.lock().left = 2;
    studio.runs.stop(&run).await.unwrap();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped);
    assert_eq!(told.run().stop.as_ref().unwrap().left, 0);
    assert_eq!(
        world.count(),
        0,
        "a sandbox with something alive in it is not kept"
    );
}

#[tokio::test]
async fn a_program_that_cannot_be_ended_is_lost_not_stopped() {
    let studio = Studio::with(
        |config| config.provider_deadline = Duration::from_millis(300),
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.fail("DELETE ", Fault::Status(400), u32::MAX);
    studio.runs.stop(&run).await.unwrap();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Lost, "{:?}", told.run());
    assert!(told.run().stop.is_none(), "nothing was proven");
    assert!(told.phase(Phase::CleanUp).unwrap().failed);
    assert_eq!(
        studio.store.list_sandboxes().await.unwrap().len(),
        1,
        "its row waits for the reaper"
    );
}
