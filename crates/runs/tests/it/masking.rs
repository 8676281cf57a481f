//! Pitlane's own keys, and secrets in what is not the program's output.

use crate::{fake::Fault, studio::Studio};
use daytona::wire::Stream;
use model::{RunState, Variable, VariableValue};
use runs::{RunsError, Vault};
use std::time::Duration;

#[tokio::test]
async fn our_own_keys_are_in_no_output_and_no_sentence() {
    // What the provider says when it fails is the key here.
    let words = "told to fail";
    let studio = Studio::with(
        |config| config.own_secrets = vec!["dtn_0123456789abcdef".into(), words.into()],
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    for part in ["a dtn_012345", "6789abcdef b dtn_0", "1"] {
        world.print(Stream::Stdout, part.as_bytes());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.exit(0);
    let told = studio.told(&run).await;
    assert_eq!(told.text(), "a *** b dtn_01");
    assert_eq!(
        told.end.as_ref().map(|end| (end.bytes, end.exact)),
        Some((14, true))
    );

    world.fail("POST /api/sandbox", Fault::Status(400), 10);
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Failed);
    let reason = told.run().reason.clone().unwrap_or_default();
    assert!(reason.contains("***") && !reason.contains(words), "{reason}");
    let stored = studio.store.run(&told.run().id).await.unwrap();
    assert_eq!(stored.reason, Some(reason));
    assert!(
        told.rows().contains("***") && !told.rows().contains(words),
        "{}",
        told.rows()
    );
    let kept = studio.store.attachment(&told.run().id).await.unwrap().unwrap();
    assert!(!kept.command.contains(words), "{}", kept.command);
}

async fn with_secret(studio: &Studio) {
    let owner = studio.store.users().await.unwrap().remove(0);
    let secret = studio
        .runs
        .add_secret(&model::TeamId::first(), &owner.id, "TOKEN", "swordfish-77")
        .await
        .unwrap();
    let variable = Variable {
        name: "TOKEN".to_owned(),
        value: VariableValue::Secret(secret),
    };
    studio
        .store
        .save_variables(&studio.agent, &[variable])
        .await
        .unwrap();
}

#[tokio::test]
async fn with_another_master_key_nothing_is_started_and_nothing_is_let_through() {
    let mut studio = Studio::with(|config| config.vault = Vault::temporary().ok(), |_| {}).await;
    with_secret(&studio).await;
    let world = studio.provider.world.clone();
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    studio.config.vault = Vault::temporary().ok();
    studio.restart().await;
    world.print(Stream::Stdout, b"swordfish-77\n");
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Lost);
    let reason = told.run().reason.clone().unwrap_or_default();
    assert!(
        reason.contains("could not be masked") && reason.contains("another master key"),
        "{reason}"
    );
    assert!(told.bytes().is_empty(), "{}", told.text());
    let told = studio.run_to_end().await;
    let reason = told.run().reason.clone().unwrap_or_default();
    assert!(reason.contains("The variable TOKEN cannot be given."), "{reason}");
    assert_eq!((told.run().state, told.run().exit_code), (RunState::Failed, None));
}

#[tokio::test]
async fn what_cannot_be_masked_is_not_saved() {
    let studio = Studio::open().await;
    let owner = studio.store.users().await.unwrap().remove(0);
    for value in ["", "1234567", "   1234567\n", "12345678\0"] {
        let refused = studio
            .runs
            .add_secret(&model::TeamId::first(), &owner.id, "TOKEN", value)
            .await;
        assert!(matches!(refused, Err(RunsError::Invalid(_))), "{refused:?}");
    }
    assert!(
        studio
            .store
            .list_secrets(&model::TeamId::first())
            .await
            .unwrap()
            .is_empty()
    );
}
