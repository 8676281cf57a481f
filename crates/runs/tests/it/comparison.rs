//! Provider against ledger, as a person sees it, and what they do about it.

use crate::{fake::Fault, studio::Studio};
use model::{
    ComparedSandbox, Difference, Millis, Provider, Resources, RunId, RunState, SandboxId, SandboxName,
    SandboxRecord, SandboxState, TeamId,
};
use runs::{Onlooker, RunsError};
use std::{collections::BTreeMap, time::Duration};

/// The owner of the instance in the first team: they see everything there is in these tests.
fn anybody() -> Onlooker {
    Onlooker {
        team: TeamId::first(),
        strays: true,
    }
}

/// A reaper that looks at the start, and then only when it is asked to.
async fn patient() -> Studio {
    let studio = Studio::with(|config| config.reap_every = Duration::from_secs(3600), |_| {}).await;
    studio
        .until_true("the first round is over", || async {
            let compared = studio.runs.compare_sandboxes(&anybody()).await.unwrap();
            compared.last_round.is_some() && compared.next_round.is_some()
        })
        .await;
    studio
}

fn labels(instance: &str, sandbox: Option<&SandboxId>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("pitlane.instance".to_owned(), instance.to_owned())]);
    if let Some(sandbox) = sandbox {
        labels.insert("pitlane.sandbox".to_owned(), sandbox.to_string());
    }
    labels
}

async fn row(studio: &Studio, state: SandboxState, provider_id: Option<String>) -> SandboxRecord {
    let record = SandboxRecord {
        id: SandboxId::generate(),
        provider: Provider::Embedded,
        provider_id,
        agent: studio.agent.clone(),
        run: Some(RunId::generate()),
        state,
        resources: Resources::default(),
        created_at: Millis::now(),
        used_at: Millis::now(),
        expires_at: None,
    };
    studio
        .store
        .intend_sandbox(&record, &studio.server(), None)
        .await
        .unwrap();
    record
}

async fn all(studio: &Studio) -> Vec<ComparedSandbox> {
    studio.runs.compare_sandboxes(&anybody()).await.unwrap().sandboxes
}

async fn only(studio: &Studio) -> ComparedSandbox {
    let mut all = all(studio).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn while_a_run_goes_on_both_say_the_same() {
    let studio = patient().await;
    assert!(all(&studio).await.is_empty());
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let seen = only(&studio).await;
    assert_eq!((seen.difference, seen.run_goes_on), (Difference::None, true));
    assert_eq!(seen.run(), Some(&run));
    assert_eq!(seen.agent(), Some(&studio.agent));
    assert_eq!(seen.wanted_words(Millis::now()), "Running");
    // The provider loses it: said, and not acted upon, as the run finds out by itself.
    studio.provider.world.stop_sandboxes();
    let seen = only(&studio).await;
    assert!(
        matches!(
            seen.difference,
            Difference::Lost | Difference::Remaining | Difference::Gone
        ),
        "{seen:?}"
    );
}

#[tokio::test]
async fn what_is_left_of_a_crash_is_named_with_what_comes_of_it() {
    let studio = patient().await;
    let world = &studio.provider.world;
    let deleted = row(&studio, SandboxState::Deleted, Some("fake-0001".to_owned())).await;
    world.make(labels("test-instance", Some(&deleted.id)));
    let abandoned = row(&studio, SandboxState::InUse, Some("fake-0002".to_owned())).await;
    world.make(labels("test-instance", Some(&abandoned.id)));
    world.make(labels("test-instance", Some(&abandoned.id)));
    world.make(labels("test-instance", None));
    world.make(labels("another-instance", None));
    let gone = row(&studio, SandboxState::Deleting, Some("fake-0999".to_owned())).await;
    let mut seen: Vec<_> = all(&studio)
        .await
        .into_iter()
        .map(|seen| {
            let difference = match seen.difference {
                Difference::Unknown { not_before } => {
                    assert!(not_before > Millis::now());
                    Difference::Unknown {
                        not_before: Millis(0),
                    }
                }
                difference => difference,
            };
            (seen.id().to_owned(), difference)
        })
        .collect();
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    let unknown = Difference::Unknown {
        not_before: Millis(0),
    };
    assert_eq!(
        seen,
        [
            ("fake-0001".to_owned(), Difference::Returned),
            ("fake-0002".to_owned(), Difference::Abandoned),
            ("fake-0003".to_owned(), Difference::Double),
            ("fake-0004".to_owned(), unknown),
            ("fake-0999".to_owned(), Difference::Gone),
        ]
    );
    studio.runs.look_again().await.unwrap();
    // The one without a row is too young, and the others are gone from both.
    let seen = only(&studio).await;
    assert_eq!(seen.id(), "fake-0004");
    let round = studio
        .runs
        .compare_sandboxes(&anybody())
        .await
        .unwrap()
        .last_round
        .unwrap();
    assert_eq!((round.listed, round.failed, round.error), (4, 0, None));
    assert_eq!(
        studio.store.sandbox(&gone.id).await.unwrap().state,
        SandboxState::Deleted
    );
    studio
        .runs
        .delete_sandbox(&anybody(), &seen.name())
        .await
        .unwrap();
    assert!(all(&studio).await.is_empty());
    assert_eq!(world.count(), 1, "the one of another installation");
}

#[tokio::test]
async fn a_provider_that_is_away_hides_the_ledger_from_nobody() {
    let studio = patient().await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.fail("GET /api/sandbox", Fault::Status(500), u32::MAX);
    let compared = studio.runs.compare_sandboxes(&anybody()).await.unwrap();
    assert!(
        compared.provider_error.is_some_and(|error| error.contains("500")),
        "the reason is told"
    );
    let seen = only(&studio).await;
    assert_eq!((seen.difference, seen.found), (Difference::Unasked, None));
    studio.runs.look_again().await.unwrap();
    let round = studio
        .runs
        .compare_sandboxes(&anybody())
        .await
        .unwrap()
        .last_round
        .unwrap();
    assert!(round.error.is_some(), "{round:?}");
    world.forget_faults();
    assert_eq!(only(&studio).await.difference, Difference::None);
}

#[tokio::test]
async fn a_sandbox_with_a_run_in_it_is_deleted_after_the_run_was_stopped() {
    let studio = patient().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let name = only(&studio).await.name();
    studio.runs.delete_sandbox(&anybody(), &name).await.unwrap();
    assert_eq!(studio.store.run(&run).await.unwrap().state, RunState::Stopped);
    assert_eq!(studio.provider.world.count(), 0);
    assert!(all(&studio).await.is_empty());
    // Again, late or twice: it is gone, which is what was wanted.
    studio.runs.delete_sandbox(&anybody(), &name).await.unwrap();
}

#[tokio::test]
async fn stopping_ends_the_run_and_nothing_else_can_be_stopped() {
    let studio = Studio::with(
        |config| config.reap_every = Duration::from_secs(3600),
        |settings| settings.keep_minutes = 5,
    )
    .await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let name = only(&studio).await.name();
    studio.runs.stop_sandbox(&anybody(), &name).await.unwrap();
    assert_eq!(studio.told(&run).await.run().state, RunState::Stopped);
    let refused = studio.runs.stop_sandbox(&anybody(), &name).await;
    assert!(matches!(refused, Err(RunsError::Conflict(_))), "{refused:?}");
    // Kept for the next run, and deleted all the same by who wants it.
    let kept = only(&studio).await;
    assert_eq!((kept.difference, kept.run_goes_on), (Difference::None, false));
    assert!(kept.wanted_words(Millis::now()).starts_with("Kept for"));
    studio
        .runs
        .delete_sandbox(&anybody(), &kept.name())
        .await
        .unwrap();
    assert_eq!(studio.provider.world.count(), 0);
    // The next run makes another.
    studio.provider.world.programs_print("ok\n", 0);
    assert_eq!(studio.run_to_end().await.run().state, RunState::Succeeded);
}

#[tokio::test]
async fn how_often_a_deletion_failed_and_why_is_told_until_it_succeeds() {
    let studio = patient().await;
    let world = &studio.provider.world;
    let record = row(&studio, SandboxState::Deleting, None).await;
    world.make(labels("test-instance", Some(&record.id)));
    world.fail("DELETE /api/sandbox", Fault::Status(403), u32::MAX);
    studio.runs.look_again().await.unwrap();
    studio.runs.look_again().await.unwrap();
    let refused = studio
        .runs
        .delete_sandbox(&anybody(), &SandboxName::Row(record.id.clone()))
        .await;
    assert!(matches!(refused, Err(RunsError::Provider(_))), "{refused:?}");
    let seen = only(&studio).await;
    assert_eq!(seen.difference, Difference::Remaining);
    assert_eq!((seen.deletion.failed, seen.deletion.under_way), (3, false));
    assert!(
        seen.deletion
            .last_error
            .is_some_and(|error| error.contains("403"))
    );
    let compared = studio.runs.compare_sandboxes(&anybody()).await.unwrap();
    assert_eq!(compared.last_round.map(|round| round.failed), Some(1));
    world.forget_faults();
    studio.runs.look_again().await.unwrap();
    assert!(all(&studio).await.is_empty());
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn by_hand_too_nothing_of_others_is_touched() {
    let studio = patient().await;
    let world = &studio.provider.world;
    let other = world.make(labels("another-instance", None));
    let nobody = world.make(BTreeMap::new());
    for sandbox in [&other, &nobody] {
        let name = SandboxName::Provider(sandbox.id.clone());
        for refused in [
            studio.runs.delete_sandbox(&anybody(), &name).await,
            studio.runs.stop_sandbox(&anybody(), &name).await,
        ] {
            assert!(matches!(refused, Err(RunsError::Conflict(_))), "{refused:?}");
        }
    }
    let nothing = SandboxName::Provider("fake-9999".to_owned());
    let refused = studio.runs.delete_sandbox(&anybody(), &nothing).await;
    assert!(matches!(refused, Err(RunsError::NotFound(_))), "{refused:?}");
    let refused = studio
        .runs
        .delete_sandbox(&anybody(), &SandboxName::Row(SandboxId::generate()))
        .await;
    assert!(matches!(refused, Err(RunsError::NotFound(_))), "{refused:?}");
    assert_eq!((world.count(), world.calls("DELETE")), (2, 0));
}
