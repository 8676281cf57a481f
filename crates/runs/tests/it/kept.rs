//! Sandboxes that are kept for the next run, and edits on their way into them.

use crate::{
    fake::Fault,
    studio::{Studio, path},
    told::Told,
};
use daytona::wire::Stream;
use model::{Phase, RunState, SandboxState};
use runs::{RunsError, StartRun};
use std::time::Duration;

async fn kept() -> Studio {
    let studio = Studio::with(|_| {}, |settings| settings.keep_minutes = 5).await;
    studio.provider.world.programs_print("ok\n", 0);
    studio
}

async fn save(studio: &Studio, name: &str, text: &str) {
    let version = studio.store.list_files(&studio.agent).await.unwrap();
    let version = version
        .iter()
        .find(|entry| entry.path.as_str() == name)
        .map(|entry| entry.version);
    studio
        .store
        .save_file(&studio.agent, &path(name), text.as_bytes(), version)
        .await
        .unwrap();
}

/// A run that ends well, and the look at its sandbox that comes when that begins to wait: it is over
/// once the file that is saved while the run goes on is there.
async fn run_and_look(studio: &Studio, name: &str, text: &str) -> Told {
    let world = &studio.provider.world;
    world.programs(|_| (vec![(Stream::Stdout, b"ok\n".to_vec())], None));
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    save(studio, name, text).await;
    world.exit(0);
    let told = studio.told(&run).await;
    studio
        .until_true("the saved file is there", || async {
            let live = studio.runs.live_sandbox(&studio.agent).await;
            live.is_some_and(|live| live.synced)
        })
        .await;
    world.programs_print("ok\n", 0);
    told
}

#[tokio::test]
async fn the_next_run_takes_the_kept_sandbox_and_only_what_changed_travels() {
    let studio = kept().await;
    let world = &studio.provider.world;
    save(&studio, "tools.py", "0").await;
    save(&studio, "gone.py", "2").await;
    let told = run_and_look(&studio, "tools.py", "1").await;
    assert_eq!(
        told.phase(Phase::CleanUp).unwrap().detail.as_deref(),
        Some("when idle")
    );
    let live = studio.runs.live_sandbox(&studio.agent).await.unwrap();
    assert_eq!(live.record.state, SandboxState::Idle);
    assert!(live.record.expires_at.is_some() && live.synced);
    save(&studio, "tools.py", "1 changed").await;
    studio
        .store
        .delete_file(&studio.agent, &path("gone.py"), None)
        .await
        .unwrap();
    assert!(!studio.runs.live_sandbox(&studio.agent).await.unwrap().synced);
    let told = studio.run_to_end().await;
    assert_eq!(
        told.phase(Phase::Sandbox).unwrap().detail.as_deref(),
        Some("live")
    );
    assert_eq!(
        told.phase(Phase::Files).unwrap().detail.as_deref(),
        Some("1 changed, 1 removed")
    );
    assert_eq!(world.calls("POST /api/sandbox"), 1);
    let inner = world.lock();
    assert_eq!(inner.uploads.last().unwrap(), &["tools.py"]);
    let files = &inner.sandboxes["fake-0001"].files;
    assert_eq!(files.keys().collect::<Vec<_>>(), ["agent.py", "tools.py"]);
    assert!(
        inner.sandboxes["fake-0001"].sessions.is_empty(),
        "nothing of the runs is left running"
    );
}

#[tokio::test]
async fn a_saved_edit_is_in_the_live_sandbox_within_a_second() {
    let studio = kept().await;
    studio.run_to_end().await;
    let saving = std::time::Instant::now();
    for i in 0..5 {
        save(&studio, "agent.py", &format!("edit {i}")).await;
        studio.runs.files_changed(&studio.agent);
    }
    let (began, saving) = (std::time::Instant::now(), saving.elapsed());
    studio
        .until_true("the edit arrives", || async {
            let inner = studio.provider.world.lock();
            inner.sandboxes["fake-0001"].files["agent.py"] == b"edit 4"
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(1));
    studio
        .until_true("it is told", || async {
            studio.runs.live_sandbox(&studio.agent).await.unwrap().synced
        })
        .await;
    // That of the run, that of its sandbox when it began to wait, and one for what is saved within each
    // time that edits are gathered for.
    let uploads = studio.provider.world.lock().uploads.len();
    assert!(
        uploads as u128 <= 3 + saving.as_millis() / 150,
        "edits are gathered: {uploads} in {saving:?}"
    );
}

#[tokio::test]
async fn a_kept_sandbox_survives_a_restart_of_ours() {
    let mut studio = kept().await;
    save(&studio, "gone.py", "2").await;
    studio.run_to_end().await;
    studio.restart().await;
    studio
        .store
        .delete_file(&studio.agent, &path("gone.py"), None)
        .await
        .unwrap();
    let told = studio.run_to_end().await;
    assert_eq!(
        told.phase(Phase::Sandbox).unwrap().detail.as_deref(),
        Some("live")
    );
    let files = studio.provider.world.lock().sandboxes["fake-0001"].files.clone();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["agent.py"]);
}

#[tokio::test]
async fn a_kept_sandbox_that_is_gone_or_in_the_way_is_replaced() {
    let studio = kept().await;
    let world = &studio.provider.world;
    run_and_look(&studio, "agent.py", "first").await;
    world.lose_sandboxes();
    // The sandbox is looked at once more when it begins to wait; the fault below is not for that look.
    let told = run_and_look(&studio, "agent.py", "second").await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    assert_eq!(told.phase(Phase::Sandbox).unwrap().detail, None);
    save(&studio, "agent.py", "changed").await;
    world.fail("bulk-upload", Fault::Status(400), 1);
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    assert!(told.rows().contains("a new one is made"), "{}", told.rows());
    assert_eq!(world.calls("POST /api/sandbox"), 3);
    studio
        .until_true("the old one is gone", || async { world.count() == 1 })
        .await;
}

#[tokio::test]
async fn a_fresh_run_and_other_resources_make_a_new_sandbox() {
    let studio = kept().await;
    let world = &studio.provider.world;
    studio.run_to_end().await;
    let request = StartRun {
        fresh: true,
        ..studio.request()
    };
    let run = studio.runs.start(request).await.unwrap().id;
    studio.told(&run).await;
    assert_eq!(world.lock().deleted, ["fake-0001"]);
    let mut settings = studio.store.agent(&studio.agent).await.unwrap().settings;
    settings.resources.cpu = 2;
    studio.store.update_agent(&studio.agent, settings).await.unwrap();
    studio.run_to_end().await;
    assert_eq!(world.calls("POST /api/sandbox"), 3);
    studio
        .until_true("one is left", || async { world.count() == 1 })
        .await;
}

#[tokio::test]
async fn discarding_deletes_an_idle_sandbox_and_refuses_a_used_one() {
    let studio = kept().await;
    let world = &studio.provider.world;
    studio.runs.discard_sandbox(&studio.agent).await.unwrap();
    studio.run_to_end().await;
    studio.runs.discard_sandbox(&studio.agent).await.unwrap();
    assert_eq!(world.count(), 0);
    assert!(studio.runs.live_sandbox(&studio.agent).await.is_none());
    world.programs(|_| (Vec::new(), None));
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let error = studio
        .runs
        .discard_sandbox(&studio.agent)
        .await
        .expect_err("in use");
    assert!(matches!(error, RunsError::Conflict(_)), "{error}");
    world.exit(0);
    studio.told(&run).await;
}

#[tokio::test]
async fn packages_are_not_installed_twice_in_one_sandbox() {
    let studio = kept().await;
    save(&studio, "requirements.txt", "requests\n").await;
    studio.run_to_end().await;
    let told = studio.run_to_end().await;
    assert!(told.phase(Phase::Packages).is_none());
    save(&studio, "requirements.txt", "httpx\n").await;
    let told = studio.run_to_end().await;
    assert!(told.phase(Phase::Packages).is_some(), "another list is installed");
}
