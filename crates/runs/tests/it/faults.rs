//! A provider that fails: what is lost is said, and nothing else is.

use crate::{
    fake::{Fault, Framing},
    studio::Studio,
    told::Told,
};
use daytona::wire::Stream;
use model::{Phase, RunState};
use std::time::Duration;

#[tokio::test]
async fn a_log_that_breaks_off_goes_on_where_it_was() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let mut expected = Vec::new();
    for i in 0..30 {
        let line = format!("line {i}\n");
        world.print(Stream::Stdout, line.as_bytes());
        expected.extend(line.into_bytes());
        if i % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            world.cut();
        }
    }
    world.exit(0);
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Succeeded);
    assert_eq!(told.bytes(), expected);
    assert!(told.end.unwrap().exact);
}

#[tokio::test]
async fn daytonas_log_that_breaks_off_is_read_on_without_doubling() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.lock().framing = Framing::Markers;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let mut expected = String::new();
    for i in 0..5 {
        let line = format!("line {i}\n");
        world.print(Stream::Stdout, line.as_bytes());
        expected.push_str(&line);
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.cut();
    }
    world.exit(0);
    let told = studio.told(&run).await;
    assert_eq!(told.text(), expected);
    assert_eq!(told.run().state, RunState::Succeeded);
}

#[tokio::test]
async fn a_provider_that_comes_back_in_time_costs_nothing() {
    let studio = Studio::with(
        |config| config.provider_deadline = Duration::from_secs(60),
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.fail("/toolbox/", Fault::Status(500), 4);
    world.cut();
    world.print(Stream::Stdout, b"meanwhile\n");
    world.exit(5);
    let told = studio.told(&run).await;
    assert_eq!(
        (told.run().state, told.run().exit_code),
        (RunState::Failed, Some(5))
    );
    assert_eq!(told.text(), "meanwhile\n");
}

#[tokio::test]
async fn a_provider_that_stays_away_makes_the_run_lost_with_the_reason() {
    let studio = Studio::with(
        |config| config.provider_deadline = Duration::from_millis(500),
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    world.print(Stream::Stdout, b"before\n");
    let mut follower = studio.follower(&run).await;
    let mut seen = Told::default();
    let arrives = async {
        while seen.text() != "before\n" {
            for message in follower.next().await.expect("the run goes on") {
                seen.take(message);
            }
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(30), arrives).await;
    assert!(arrived.is_ok(), "the output never arrives");
    world.fail("/toolbox/", Fault::Status(500), u32::MAX);
    world.cut();
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Lost);
    assert_eq!(told.run().exit_code, None, "an end is never invented");
    assert!(
        told.run().reason.as_ref().unwrap().contains("cannot be known"),
        "{:?}",
        told.run().reason
    );
    assert_eq!(told.text(), "before\n");
    assert!(!told.end.unwrap().exact);
}

#[tokio::test]
async fn an_engine_that_ends_is_named() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    for gone in [true, false] {
        let run = studio.start().await;
        studio.until(&run, RunState::Running).await;
        if gone {
            world.lose_sandboxes();
        } else {
            world.stop_sandboxes();
        }
        let told = studio.told(&run).await;
        assert_eq!(told.run().state, RunState::Lost);
        let reason = told.run().reason.clone().unwrap();
        assert!(reason.contains("engine ended"), "{reason}");
        assert!(told.rows().contains("engine ended"), "{}", told.rows());
        assert_eq!(world.count(), 0);
    }
}

#[tokio::test]
async fn a_provider_that_gives_no_sandbox_fails_the_run() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.fail("POST /api/sandbox", Fault::Status(400), 1);
    let told = studio.run_to_end().await;
    assert_eq!((told.run().state, told.run().exit_code), (RunState::Failed, None));
    assert!(
        told.run().reason.as_ref().unwrap().contains("told to fail"),
        "{:?}",
        told.run()
    );
    assert!(told.phase(Phase::Sandbox).unwrap().failed);
    assert!(studio.store.list_sandboxes().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_make_a_second_sandbox() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.programs_print("found\n", 0);
    world.fail("POST /api/sandbox", Fault::AnswerLost, 1);
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    assert_eq!(world.calls("POST /api/sandbox"), 1);
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_and_not_repeated() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.programs_print("once\n", 4);
    world.fail("/exec", Fault::AnswerLost, 1);
    let told = studio.run_to_end().await;
    assert_eq!(
        (told.run().state, told.run().exit_code),
        (RunState::Failed, Some(4)),
        "{:?}",
        told.run()
    );
    assert_eq!(told.text(), "once\n");
    assert_eq!(world.calls("/exec"), 1);
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn a_start_that_nobody_confirms_makes_the_run_lost() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.fail("/exec", Fault::Status(500), 1);
    let told = studio.run_to_end().await;
    assert_eq!(
        told.run().state,
        RunState::Lost,
        "it may have run: {:?}",
        told.run()
    );
    let reason = told.run().reason.clone().unwrap();
    assert!(reason.contains("cannot be known"), "{reason}");
    assert_eq!(world.calls("/exec"), 1);
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn a_stream_that_ends_too_early_is_followed_again() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    // The status is late: the stream's end is no end of the program.
    world.programs_print("early\n", 0);
    let run = studio.runs.start(studio.request()).await.unwrap().id;
    world.fail(
        "GET /toolbox/fake-0001/process/session/",
        Fault::Delay(Duration::from_millis(200)),
        1,
    );
    let told = studio.told(&run).await;
    assert_eq!(told.text(), "early\n");
    assert_eq!(told.run().state, RunState::Succeeded);
}

#[tokio::test]
async fn a_program_that_was_quiet_for_long_is_not_lost_by_one_break() {
    let studio = Studio::with(
        |config| config.provider_deadline = Duration::from_millis(300),
        |_| {},
    )
    .await;
    let world = &studio.provider.world;
    world.lock().framing = Framing::Markers;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    world.cut();
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.print(Stream::Stdout, b"still here\n");
    world.exit(0);
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run().reason);
    assert_eq!(told.text(), "still here\n");
}
