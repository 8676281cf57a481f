//! Kept sandboxes that a person puts away and brings back.

use crate::{fake::Fault, studio::Studio};
use model::{Millis, Phase, RunState, SandboxName, SandboxRecord, SandboxState, UsageState};
use runs::{Onlooker, RunsError};
use std::time::Duration;

fn onlooker() -> Onlooker {
    Onlooker {
        team: model::TeamId::first(),
        strays: true,
    }
}

/// A studio whose agent has a sandbox that is kept, and its row.
async fn kept() -> (Studio, SandboxRecord, SandboxName) {
    let studio = Studio::with(
        |config| config.reap_every = Duration::from_millis(100),
        |settings| settings.keep_minutes = 5,
    )
    .await;
    studio.provider.world.programs_print("ok\n", 0);
    studio.run_to_end().await;
    let record = studio.runs.live_sandbox(&studio.agent).await.unwrap().record;
    let name = SandboxName::Row(record.id.clone());
    (studio, record, name)
}

fn state_at_provider(studio: &Studio) -> Option<daytona::SandboxState> {
    studio.provider.world.lock().sandboxes["fake-0001"].sandbox.state
}

async fn row(studio: &Studio, record: &SandboxRecord) -> SandboxRecord {
    studio.store.sandbox(&record.id).await.unwrap()
}

#[tokio::test]
async fn an_archived_sandbox_is_left_alone_until_it_is_restored() {
    let (studio, record, name) = kept().await;
    let world = &studio.provider.world;
    studio.runs.archive_sandbox(&onlooker(), &name).await.unwrap();
    assert_eq!(state_at_provider(&studio), Some(daytona::SandboxState::Archived));
    let archived = row(&studio, &record).await;
    assert_eq!(archived.state, SandboxState::Archived);
    let hours = (archived.expires_at.unwrap().0 - Millis::now().0) / 3_600_000;
    assert!((719..=720).contains(&hours), "kept for 30 days: {hours}");
    // It is counted as what it is at once, not from the next round on.
    let last = studio.intervals().await.pop().expect("one");
    assert_eq!(last.state, UsageState::Archived);
    assert!(studio.runs.live_sandbox(&studio.agent).await.is_none());
    // The next run has one of its own, which goes as soon as it is not wanted; the archived one stays.
    let told = studio.run_to_end().await;
    assert_eq!(told.phase(Phase::Sandbox).unwrap().detail, None);
    let error = studio
        .runs
        .restore_sandbox(&onlooker(), &name)
        .await
        .expect_err("the agent has another");
    assert!(
        matches!(&error, RunsError::Conflict(words) if words.contains("another sandbox")),
        "{error}"
    );
    studio.runs.discard_sandbox(&studio.agent).await.unwrap();
    studio
        .until_true("one is left", || async { world.count() == 1 })
        .await;
    assert_eq!(row(&studio, &record).await.state, SandboxState::Archived);
    studio.runs.restore_sandbox(&onlooker(), &name).await.unwrap();
    assert_eq!(state_at_provider(&studio), Some(daytona::SandboxState::Started));
    let restored = row(&studio, &record).await;
    assert_eq!(restored.state, SandboxState::Idle);
    let minutes = (restored.expires_at.unwrap().0 - Millis::now().0) / 60_000;
    assert!(
        (14..=15).contains(&minutes),
        "kept for a quarter of an hour at least: {minutes}"
    );
    let last = studio.intervals().await;
    let own = last.iter().rfind(|interval| interval.sandbox == record.id);
    assert_eq!(own.expect("one").state, UsageState::Running);
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    assert_eq!(
        told.phase(Phase::Sandbox).unwrap().detail.as_deref(),
        Some("live")
    );
    assert_eq!(world.made(), 2);
}

#[tokio::test]
async fn a_provider_that_does_not_archive_is_told_and_loses_nothing() {
    let (studio, record, name) = kept().await;
    let world = &studio.provider.world;
    // Nothing is done: it is kept as before.
    world.fail("/stop", Fault::Status(400), 100);
    let error = studio
        .runs
        .archive_sandbox(&onlooker(), &name)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("It stands ready as before"), "{error}");
    let after = row(&studio, &record).await;
    assert_eq!(
        (after.state, after.expires_at),
        (SandboxState::Idle, record.expires_at)
    );
    // Half of it is done.
    world.forget_faults();
    world.fail("/archive", Fault::Status(400), 100);
    let error = studio
        .runs
        .archive_sandbox(&onlooker(), &name)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("keeps its files"), "{error}");
    assert_eq!(row(&studio, &record).await.state, SandboxState::Archived);
    // Again, when it can be; what passes is waited for.
    world.forget_faults();
    world.fail("/archive", Fault::Status(500), 2);
    studio.runs.archive_sandbox(&onlooker(), &name).await.unwrap();
    assert_eq!(state_at_provider(&studio), Some(daytona::SandboxState::Archived));
    // One that does not start stays archived.
    world.fail("/start", Fault::Status(400), 100);
    let error = studio
        .runs
        .restore_sandbox(&onlooker(), &name)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("stays archived"), "{error}");
    assert_eq!(row(&studio, &record).await.state, SandboxState::Archived);
}

#[tokio::test]
async fn who_asks_and_goes_away_has_it_done() {
    let (studio, record, name) = kept().await;
    let world = &studio.provider.world;
    world.fail("/stop", Fault::Delay(Duration::from_secs(5)), 1);
    let (runs, asked) = (studio.runs.clone(), name.clone());
    let asking = tokio::spawn(async move { runs.archive_sandbox(&onlooker(), &asked).await });
    studio
        .until_true("it is under way", || async { world.calls("/stop") == 1 })
        .await;
    asking.abort();
    assert!(asking.await.expect_err("gone before the answer").is_cancelled());
    // Meanwhile no run takes it, and nobody archives it twice.
    assert_eq!(row(&studio, &record).await.state, SandboxState::Archiving);
    let error = studio
        .runs
        .archive_sandbox(&onlooker(), &name)
        .await
        .expect_err("it is under way");
    assert!(matches!(error, RunsError::Conflict(_)), "{error}");
    studio
        .until_true("it is archived", || async {
            row(&studio, &record).await.state == SandboxState::Archived
        })
        .await;
    assert_eq!(state_at_provider(&studio), Some(daytona::SandboxState::Archived));
}

#[tokio::test]
async fn what_a_server_left_half_done_is_put_right() {
    let (studio, record, name) = kept().await;
    let long_ago = Millis(Millis::now().0 - 3_600_000);
    let left = |from, to| {
        let later = Some(Millis(Millis::now().0 + 3_600_000));
        studio.store.move_sandbox(&record.id, from, to, later, long_ago)
    };
    assert!(left(SandboxState::Idle, SandboxState::Archiving).await.unwrap());
    studio
        .until_true("it is archived", || async {
            row(&studio, &record).await.state == SandboxState::Archived
        })
        .await;
    assert_eq!(state_at_provider(&studio), Some(daytona::SandboxState::Archived));
    assert!(
        left(SandboxState::Archived, SandboxState::Restoring)
            .await
            .unwrap()
    );
    studio
        .until_true("it is archived as before", || async {
            row(&studio, &record).await.state == SandboxState::Archived
        })
        .await;
    studio.runs.restore_sandbox(&onlooker(), &name).await.unwrap();
    assert!(left(SandboxState::Idle, SandboxState::Restoring).await.unwrap());
    studio
        .until_true("it stands ready", || async {
            row(&studio, &record).await.state == SandboxState::Idle
        })
        .await;
}

#[tokio::test]
async fn an_archived_sandbox_ends_with_its_time_its_agent_and_its_provider() {
    for end in ["time", "agent", "provider"] {
        let (studio, record, name) = kept().await;
        studio.runs.archive_sandbox(&onlooker(), &name).await.unwrap();
        match end {
            "time" => {
                let archived = SandboxState::Archived;
                let over = Some(Millis(1));
                let moved = studio
                    .store
                    .move_sandbox(&record.id, archived, archived, over, Millis::now());
                assert!(moved.await.unwrap());
            }
            "agent" => studio.store.delete_agent(&studio.agent).await.unwrap(),
            _ => studio.provider.world.lose_sandboxes(),
        }
        studio
            .until_true("it is gone", || async {
                row(&studio, &record).await.state == SandboxState::Deleted
            })
            .await;
        assert_eq!(studio.provider.world.count(), 0, "{end}");
    }
}

#[tokio::test]
async fn a_sandbox_that_a_run_uses_or_that_is_not_kept_is_not_archived() {
    let studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let used = studio.runs.live_sandbox(&studio.agent).await.unwrap().record;
    let labels = [("pitlane.instance".to_owned(), "test-instance".to_owned())];
    let stray = studio.provider.world.make(labels.into());
    for name in [SandboxName::Row(used.id), SandboxName::Provider(stray.id)] {
        for error in [
            studio
                .runs
                .archive_sandbox(&onlooker(), &name)
                .await
                .expect_err("refused"),
            studio
                .runs
                .restore_sandbox(&onlooker(), &name)
                .await
                .expect_err("refused"),
        ] {
            assert!(matches!(error, RunsError::Conflict(_)), "{error}");
        }
    }
    assert_eq!(studio.provider.world.calls("/archive"), 0);
    studio.provider.world.exit(0);
    studio.told(&run).await;
}
