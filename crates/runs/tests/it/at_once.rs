//! Several runs of one agent at the same time.

use crate::studio::Studio;
use model::{Phase, RunId, RunState, SandboxState};
use runs::{Once, RunsError, StartRun};

fn of_a_program(studio: &Studio) -> StartRun {
    StartRun {
        in_studio: false,
        ..studio.request()
    }
}

async fn running(studio: &Studio, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..count {
        let request = of_a_program(studio);
        runs.push(studio.runs.execute(request, Once::default()).await.unwrap().id);
    }
    for run in &runs {
        studio.until(run, RunState::Running).await;
    }
    runs
}

#[tokio::test]
async fn programs_run_an_agent_beside_the_studio_each_in_a_sandbox_of_its_own() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    let of_the_studio = studio.start().await;
    studio.until(&of_the_studio, RunState::Running).await;
    let runs = running(&studio, 3).await;
    assert_eq!(world.count(), 4, "nobody shares a sandbox");
    let error = studio
        .runs
        .start(studio.request())
        .await
        .expect_err("one goes on");
    assert!(
        matches!(&error, RunsError::Conflict(words) if words.contains("Run 1 ")),
        "{error}"
    );
    // Theirs are not what the studio shows as its sandbox.
    let live = studio.runs.live_sandbox(&studio.agent).await.unwrap();
    assert_eq!(live.record.run.as_ref(), Some(&of_the_studio));
    world.exit_all(0);
    for run in runs.iter().chain([&of_the_studio]) {
        assert_eq!(studio.told(run).await.run().state, RunState::Succeeded);
    }
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn those_past_the_limit_wait_for_their_turn() {
    let studio = Studio::with(
        |config| {
            config.concurrency = 3;
            config.concurrency_per_person = 2;
        },
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    let first = running(&studio, 2).await;
    let waiting = studio
        .runs
        .execute(of_a_program(&studio), Once::default())
        .await
        .unwrap();
    studio
        .until_true("it says why it waits", || async {
            let mut follower = studio.follower(&waiting.id).await;
            let told = follower.next().await.unwrap();
            format!("{told:?}").contains("as many as one person may have")
        })
        .await;
    assert_eq!(world.count(), 2);
    world.programs_print("at last\n", 0);
    world.exit_all(0);
    for run in &first {
        studio.told(run).await;
    }
    assert_eq!(studio.told(&waiting.id).await.text(), "at last\n");
}

#[tokio::test]
async fn a_kept_sandbox_is_taken_by_one_and_one_is_kept() {
    let studio = Studio::with(|_| {}, |settings| settings.keep_minutes = 5).await;
    let world = &studio.provider.world;
    let first = studio.start().await;
    studio.until(&first, RunState::Running).await;
    world.exit_all(0);
    studio.told(&first).await;
    assert_eq!(world.count(), 1);
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(studio.runs.start(of_a_program(&studio)).await.unwrap().id);
    }
    for run in &runs {
        studio.until(run, RunState::Running).await;
    }
    assert_eq!(world.count(), 3, "one is in the kept sandbox, two in new ones");
    world.exit_all(0);
    let mut in_the_kept = 0;
    for run in &runs {
        let told = studio.told(run).await;
        let detail = told.phase(Phase::Sandbox).unwrap().detail.clone();
        in_the_kept += usize::from(detail.as_deref() == Some("live"));
    }
    assert_eq!(in_the_kept, 1);
    studio
        .until_true("one is left", || async {
            // The row is closed when the provider has confirmed, a moment later.
            world.count() == 1 && studio.store.list_sandboxes().await.unwrap().len() == 1
        })
        .await;
    let rows = studio.store.list_sandboxes().await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.state).collect::<Vec<_>>(),
        [SandboxState::Idle]
    );
}
