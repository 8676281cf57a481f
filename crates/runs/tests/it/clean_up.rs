//! The clean-up at the end of a run when the provider does not do its part.

use crate::{fake::Fault, studio::Studio};
use model::{Phase, RunState, SandboxState};
use std::time::Duration;

#[tokio::test]
async fn a_sandbox_that_cannot_be_deleted_is_said_and_tried_again() {
    let studio = Studio::with(|config| config.reap_every = Duration::from_millis(200), |_| {}).await;
    let world = &studio.provider.world;
    world.programs_print("done\n", 0);
    world.fail("DELETE /api/sandbox", Fault::Status(403), 2);
    let told = studio.run_to_end().await;
    assert_eq!(
        told.run().state,
        RunState::Succeeded,
        "the program's end is the program's"
    );
    assert!(told.phase(Phase::CleanUp).unwrap().failed);
    assert!(
        told.rows().contains("tried again every minute"),
        "{}",
        told.rows()
    );
    studio
        .until_true("the reaper deletes it", || async { world.count() == 0 })
        .await;
    studio
        .until_true("and its row", || async {
            studio.store.list_sandboxes().await.unwrap().is_empty()
        })
        .await;
}

#[tokio::test]
async fn a_deletion_in_the_middle_of_a_change_of_state_is_repeated() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.programs_print("done\n", 0);
    world.fail("DELETE /api/sandbox", Fault::Status(409), 2);
    let told = studio.run_to_end().await;
    assert!(!told.phase(Phase::CleanUp).unwrap().failed);
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn a_sandbox_somebody_else_deleted_is_gone_all_the_same() {
    let studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let rows = studio.store.list_sandboxes().await.unwrap();
    assert_eq!(rows[0].state, SandboxState::InUse);
    assert_eq!(rows[0].provider_id.as_deref(), Some("fake-0001"));
    studio.provider.world.lose_sandboxes();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Lost);
    assert!(!told.phase(Phase::CleanUp).unwrap().failed);
    assert!(studio.store.list_sandboxes().await.unwrap().is_empty());
}
