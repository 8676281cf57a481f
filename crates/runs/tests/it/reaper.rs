//! The reaper: nothing is left, and nothing of anybody else is touched.

use crate::{fake::Fault, studio::Studio};
use model::{Millis, Provider, Resources, RunId, RunState, SandboxId, SandboxRecord, SandboxState};
use std::{collections::BTreeMap, time::Duration};

fn labels(instance: &str, sandbox: &SandboxId) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("pitlane.instance".to_owned(), instance.to_owned()),
        ("pitlane.sandbox".to_owned(), sandbox.to_string()),
    ])
}

fn row(studio: &Studio, state: SandboxState) -> SandboxRecord {
    SandboxRecord {
        id: SandboxId::generate(),
        provider: Provider::Embedded,
        provider_id: None,
        agent: studio.agent.clone(),
        run: Some(RunId::generate()),
        state,
        resources: Resources::default(),
        created_at: Millis::now(),
        used_at: Millis::now(),
        expires_at: None,
    }
}

async fn reaping() -> Studio {
    Studio::with(|config| config.reap_every = Duration::from_millis(100), |_| {}).await
}

#[tokio::test]
async fn what_a_crash_left_at_any_step_is_cleaned_up() {
    let studio = reaping().await;
    let world = &studio.provider.world;
    let mut ids = Vec::new();
    for (state, made, known) in [
        (SandboxState::Intended, false, false),
        (SandboxState::Intended, true, false),
        (SandboxState::InUse, true, true),
        (SandboxState::Deleting, true, true),
        (SandboxState::Deleting, false, false),
        (SandboxState::Deleted, true, true),
    ] {
        let mut record = row(&studio, state);
        if made {
            let sandbox = world.make(labels("test-instance", &record.id));
            record.provider_id = known.then_some(sandbox.id);
        }
        studio
            .store
            .intend_sandbox(&record, &studio.server(), None)
            .await
            .unwrap();
        ids.push(record.id);
    }
    studio
        .until_true("all are gone", || async { world.count() == 0 })
        .await;
    studio
        .until_true("no row is stuck", || async {
            studio.store.list_sandboxes().await.unwrap().is_empty()
        })
        .await;
}

#[tokio::test]
async fn what_the_provider_says_for_long_is_not_believed_before_it_is_true() {
    for (call, fault) in [
        ("DELETE /api/sandbox", Fault::Status(500)),
        ("DELETE /api/sandbox", Fault::Status(409)),
        // Deleted, it says, and still there.
        ("DELETE /api/sandbox", Fault::Status(200)),
        ("GET /api/sandbox", Fault::Status(500)),
    ] {
        let studio = reaping().await;
        let world = &studio.provider.world;
        world.programs_print("ok\n", 0);
        world.fail(call, fault, u32::MAX);
        // The row alone knows it: what the provider says of it is not to be trusted now.
        let mut record = row(&studio, SandboxState::InUse);
        record.provider_id = Some(world.make(labels("test-instance", &record.id)).id);
        studio
            .store
            .intend_sandbox(&record, &studio.server(), None)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let state = studio.store.sandbox(&record.id).await.unwrap().state;
        assert_ne!(state, SandboxState::Deleted, "{call} {fault:?}");
        assert_eq!(world.count(), 1, "{call} {fault:?}");
        world.forget_faults();
        studio
            .until_true("it is gone, and the row knows", || async {
                world.count() == 0 && studio.store.list_sandboxes().await.unwrap().is_empty()
            })
            .await;
    }
}

#[tokio::test]
async fn one_that_cannot_be_deleted_does_not_hold_up_the_others() {
    let mut studio = Studio::with(|config| config.reap_every = Duration::from_secs(3600), |_| {}).await;
    let world = std::sync::Arc::clone(&studio.provider.world);
    for stuck in [true, false, false] {
        let mut record = row(&studio, SandboxState::Deleting);
        let sandbox = world.make(labels("test-instance", &record.id));
        if stuck {
            world.fail(
                &format!("DELETE /api/sandbox/{}", sandbox.id),
                Fault::Status(409),
                u32::MAX,
            );
        }
        record.provider_id = Some(sandbox.id);
        studio
            .store
            .intend_sandbox(&record, &studio.server(), None)
            .await
            .unwrap();
    }
    // All three are in the first comparison after this.
    studio.config.reap_every = Duration::from_millis(100);
    studio.restart().await;
    studio
        .until_true("the others are gone", || async { world.count() == 1 })
        .await;
    studio
        .until_true("their rows know", || async {
            studio.store.list_sandboxes().await.unwrap().len() == 1
        })
        .await;
}

#[tokio::test]
async fn sandboxes_of_others_are_never_touched() {
    let studio = reaping().await;
    let world = &studio.provider.world;
    // Even when the provider ignores the labels we ask for.
    world.lock().list_ignores_labels = true;
    let deleted = row(&studio, SandboxState::Deleted);
    studio
        .store
        .intend_sandbox(&deleted, &studio.server(), None)
        .await
        .unwrap();
    world.make(labels("another-instance", &deleted.id));
    world.make(BTreeMap::new());
    // One of ours without a row is young: its row may be on its way.
    world.make(labels("test-instance", &SandboxId::generate()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.count(), 3);
    assert_eq!(world.calls("DELETE"), 0);
}

#[tokio::test]
async fn idle_sandboxes_go_when_their_time_is_over_and_not_before() {
    let studio = Studio::with(
        |config| config.reap_every = Duration::from_millis(100),
        |settings| settings.keep_minutes = 5,
    )
    .await;
    let world = &studio.provider.world;
    world.programs_print("ok\n", 0);
    studio.run_to_end().await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(world.count(), 1);
    let record = studio.runs.live_sandbox(&studio.agent).await.unwrap().record;
    studio
        .store
        .sandbox_state(
            &record.id,
            SandboxState::Idle,
            Some(Millis(Millis::now().0 - 1)),
            None,
        )
        .await
        .unwrap();
    studio
        .until_true("it is gone", || async { world.count() == 0 })
        .await;
    // And a run that comes then makes another.
    assert_eq!(studio.run_to_end().await.run().state, RunState::Succeeded);
}

#[tokio::test]
async fn a_running_sandbox_is_left_alone_and_its_double_is_not() {
    let studio = reaping().await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let record = studio.store.list_sandboxes().await.unwrap().remove(0);
    world.make(labels("test-instance", &record.id));
    studio
        .until_true("the double is gone", || async { world.count() == 1 })
        .await;
    assert!(world.lock().sandboxes.contains_key("fake-0001"));
    world.exit(0);
    assert_eq!(studio.told(&run).await.run().state, RunState::Succeeded);
}
