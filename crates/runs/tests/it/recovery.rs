//! A restart of our process at each state of a run.

use crate::{fake::Fault, studio::Studio};
use daytona::wire::Stream;
use model::{Cursor, RunState};
use sha2::{Digest, Sha256};
use std::time::Duration;

#[tokio::test]
async fn a_running_program_goes_on_and_its_log_is_whole() {
    let mut studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    studio.provider.world.print(Stream::Stdout, b"before\n");
    let mut follower = studio.follower(&run).await;
    let mut seen = crate::told::Told::default();
    while seen.text() != "before\n" {
        for message in follower.next().await.unwrap() {
            seen.take(message);
        }
    }
    studio.runs.shutdown().await;
    assert_eq!(follower.next().await, None, "readers are let go without an end");
    studio
        .provider
        .world
        .print(Stream::Stderr, b"while we were away\n");
    studio.restart().await;
    studio.provider.world.print(Stream::Stdout, b"after\n");
    studio.provider.world.exit(4);
    let told = studio.told(&run).await;
    assert_eq!(
        (told.run().state, told.run().exit_code),
        (RunState::Failed, Some(4))
    );
    assert_eq!(told.text(), "before\nwhile we were away\nafter\n");
    assert!(told.rows().contains("Pitlane was restarted. The log goes on."));
    let end = told.end.clone().unwrap();
    assert_eq!(end.sha256, hex::encode(Sha256::digest(told.bytes())));
    assert_eq!((end.bytes, end.lines, end.exact), (32, 3, true));
    assert_eq!(
        studio.provider.world.calls("/exec"),
        1,
        "nothing is started again"
    );
    // The reader that was there before goes on from its own cursor.
    let mut rest = studio.runs.follow(&run, follower.cursor()).await.unwrap();
    while let Some(messages) = rest.next().await {
        for message in messages {
            seen.take(message);
        }
    }
    assert_eq!(seen.text(), told.text());
    let seqs: Vec<_> = seen.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..).take(seqs.len()).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_program_that_ended_meanwhile_is_told_with_its_code() {
    let mut studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    studio.runs.shutdown().await;
    studio.provider.world.print(Stream::Stdout, b"all of it\n");
    studio.provider.world.exit(0);
    studio.restart().await;
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Succeeded);
    assert_eq!(told.text(), "all of it\n");
    assert_eq!(studio.provider.world.count(), 0);
}

#[tokio::test]
async fn a_run_whose_sandbox_is_gone_is_lost_with_the_reason() {
    let mut studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    studio.runs.shutdown().await;
    studio.provider.world.lose_sandboxes();
    studio.restart().await;
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Lost);
    assert!(
        told.run().reason.as_ref().unwrap().contains("engine ended"),
        "{:?}",
        told.run().reason
    );
}

#[tokio::test]
async fn a_run_that_had_not_begun_is_not_begun_by_a_restart() {
    let mut studio = Studio::open().await;
    studio
        .provider
        .world
        // Longer than the restart needs to begin, and shorter than it waits for what is under way.
        .fail("POST /api/sandbox", Fault::Delay(Duration::from_millis(1200)), 1);
    let run = studio.start().await;
    studio.until(&run, RunState::Preparing).await;
    studio.restart().await;
    let told = studio.told(&run).await;
    assert_eq!((told.run().state, told.run().exit_code), (RunState::Failed, None));
    assert!(
        told.run().reason.as_ref().unwrap().contains("Start it again"),
        "{:?}",
        told.run().reason
    );
    assert_eq!(studio.provider.world.calls("/exec"), 0);
    studio
        .until_true("its sandbox is gone", || async {
            studio.provider.world.count() == 0
        })
        .await;
}

#[tokio::test]
async fn a_program_whose_id_was_not_written_is_found_by_its_session() {
    let mut studio = Studio::open().await;
    studio
        .provider
        .world
        .fail("/exec", Fault::Delay(Duration::from_millis(300)), 1);
    let run = studio.start().await;
    studio
        .until_true("the start is under way", || async {
            studio.provider.world.calls("/exec") == 1
        })
        .await;
    studio.runs.shutdown().await;
    // The provider may or may not get to it once the request is dropped; here it did.
    let world = &studio.provider.world;
    if world.with_command(|_| ()).is_none() {
        let session = format!("run-{run}");
        let mut inner = world.lock();
        let fake = inner.sandboxes.values_mut().next().unwrap();
        fake.sessions
            .get_mut(&session)
            .unwrap()
            .push(crate::fake::FakeCommand {
                id: "command-1".to_owned(),
                text: "python3 -u agent.py".to_owned(),
                log: vec![(Stream::Stdout, b"found\n".to_vec())],
                exit: Some(0),
                input: Vec::new(),
                eof: false,
            });
    } else {
        world.print(Stream::Stdout, b"found\n");
        world.exit(0);
    }
    studio.restart().await;
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    assert_eq!(told.text(), "found\n");
}

#[tokio::test]
async fn a_run_that_was_being_cleaned_up_keeps_its_end() {
    let mut studio = Studio::open().await;
    let world = &studio.provider.world;
    world.programs_print("the end\n", 9);
    world.fail("DELETE /api/sandbox", Fault::Delay(Duration::from_secs(60)), 1);
    let run = studio.start().await;
    studio.until(&run, RunState::Finishing).await;
    studio
        .until_true("the deletion is under way", || async {
            world.calls("DELETE /api/sandbox") == 1
        })
        .await;
    studio.restart().await;
    let told = studio.told(&run).await;
    assert_eq!(
        (told.run().state, told.run().exit_code),
        (RunState::Failed, Some(9))
    );
    assert_eq!(told.text(), "the end\n");
    assert_eq!(studio.provider.world.count(), 0);
}

#[tokio::test]
async fn a_stop_right_after_a_restart_works() {
    let mut studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    studio.restart().await;
    studio.runs.stop(&run).await.unwrap();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped, "{:?}", told.run());
    assert_eq!(studio.provider.world.count(), 0);
    let again = studio
        .runs
        .follow(&run, Cursor { offset: 99, seq: 99 })
        .await
        .unwrap();
    drop(again);
}
