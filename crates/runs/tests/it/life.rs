//! The way of a run when nothing goes wrong, and what is refused before it.

use crate::{
    fake::Framing,
    studio::{Studio, path},
};
use daytona::wire::Stream;
use model::{Phase, RunId, RunState};
use runs::{RunsError, StartRun};
use sha2::{Digest, Sha256};

#[tokio::test]
async fn a_run_goes_through_its_phases_and_its_log_is_whole() {
    let studio = Studio::open().await;
    studio.provider.world.programs(|_| {
        let log = vec![
            (Stream::Stdout, b"one\ntwo\n".to_vec()),
            (Stream::Stderr, b"oh\xff no\n".to_vec()),
        ];
        (log, Some(0))
    });
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
    assert_eq!(told.run().exit_code, Some(0));
    assert_eq!(told.bytes(), b"one\ntwo\noh\xff no\n");
    let end = told.end.as_ref().unwrap();
    assert_eq!((end.bytes, end.lines, end.exact), (15, 3, true));
    assert_eq!(end.sha256, hex::encode(Sha256::digest(told.bytes())));
    let phases: Vec<_> = told.run().phases.iter().map(|record| record.phase).collect();
    let expected = [
        Phase::Queued,
        Phase::Sandbox,
        Phase::Files,
        Phase::Run,
        Phase::CleanUp,
    ];
    assert_eq!(phases, expected);
    assert!(
        told.run()
            .phases
            .iter()
            .all(|record| record.took.is_some() && !record.failed)
    );
    assert_eq!(
        told.phase(Phase::Files).unwrap().detail.as_deref(),
        Some("1 synced")
    );
    assert_eq!(
        told.phase(Phase::CleanUp).unwrap().detail.as_deref(),
        Some("deleted")
    );
    let rows = told.rows();
    assert!(rows.contains("ready, 1 vCPU, 1 GiB"), "{rows}");
    assert!(rows.contains("$ python3 -u agent.py"), "{rows}");
    assert!(rows.contains("Exited with code 0 after"), "{rows}");
    assert_eq!(studio.provider.world.count(), 0, "the sandbox is gone");
    assert!(
        studio.store.list_sandboxes().await.unwrap().is_empty(),
        "so is its row"
    );
    let seqs: Vec<_> = told.events.iter().map(|event| event.seq).collect();
    let stored = studio.store.events_after(&told.run().id, 0, 500).await.unwrap();
    assert_eq!(seqs, (1..).take(seqs.len()).collect::<Vec<i64>>());
    assert_eq!(stored, told.events, "what readers were told is what is stored");
}

#[tokio::test]
async fn exit_codes_are_the_programs_own() {
    let studio = Studio::open().await;
    for (code, words) in [
        (1, "code 1 after"),
        (137, "code 137 (SIGKILL)"),
        (3, "code 3 after"),
    ] {
        studio.provider.world.programs_print("x", code);
        let told = studio.run_to_end().await;
        assert_eq!(told.run().state, RunState::Failed);
        assert_eq!(told.run().exit_code, Some(code));
        assert!(told.rows().contains(words), "{}", told.rows());
    }
}

#[tokio::test]
async fn daytonas_own_stream_is_told_as_inexact_and_completed() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.lock().framing = Framing::Markers;
    world.programs(|_| {
        let log = vec![
            (Stream::Stdout, b"a\n".to_vec()),
            (Stream::Stderr, b"b\n".to_vec()),
        ];
        (log, Some(0))
    });
    let told = studio.run_to_end().await;
    assert_eq!(told.text(), "a\nb\n");
    assert_eq!(told.frames[1].stream, Some(model::LogStream::Stderr));
    assert!(!told.end.unwrap().exact);
    assert_eq!(world.calls("/logs"), 2, "followed, then read whole");
}

#[tokio::test]
async fn the_same_id_is_the_same_run_and_another_has_to_wait() {
    let studio = Studio::open().await;
    let request = studio.request();
    let first = studio.runs.start(request.clone()).await.unwrap();
    let again = studio.runs.start(request.clone()).await.unwrap();
    assert_eq!((&first.id, first.number), (&again.id, again.number));
    let error = studio
        .runs
        .start(studio.request())
        .await
        .expect_err("one at a time");
    assert!(matches!(error, RunsError::Conflict(_)), "{error}");
    assert!(error.to_string().contains("Run 1"), "{error}");
    studio.until(&first.id, RunState::Running).await;
    studio.provider.world.exit(0);
    studio.told(&first.id).await;
    let ended = studio.runs.start(request).await.unwrap();
    assert_eq!(ended.state, RunState::Succeeded, "asked for again after its end");
    assert_eq!(studio.provider.world.calls("POST /api/sandbox"), 1);
}

#[tokio::test]
async fn starts_at_once_with_one_id_are_one_run() {
    let studio = Studio::open().await;
    studio.provider.world.programs_print("once\n", 0);
    let request = studio.request();
    let starts = (0..20).map(|_| studio.runs.start(request.clone()));
    for run in futures::future::join_all(starts).await {
        assert_eq!(run.unwrap().number, 1);
    }
    assert_eq!(studio.told(&request.id).await.text(), "once\n");
    assert_eq!(studio.provider.world.calls("/exec"), 1);
}

#[tokio::test]
async fn unusable_requests_are_refused_with_a_sentence() {
    let studio = Studio::open().await;
    let bad = [
        StartRun {
            timeout_seconds: Some(0),
            ..studio.request()
        },
        StartRun {
            args: vec!["a\0b".to_owned()],
            ..studio.request()
        },
        StartRun {
            args: vec!["x".repeat(70_000)],
            ..studio.request()
        },
    ];
    for request in bad {
        let error = studio.runs.start(request).await.expect_err("refused");
        assert!(matches!(error, RunsError::Invalid(_)), "{error}");
    }
    studio
        .store
        .delete_file(&studio.agent, &path("agent.py"), None)
        .await
        .unwrap();
    let error = studio
        .runs
        .start(studio.request())
        .await
        .expect_err("nothing to run");
    assert!(error.to_string().contains("no file to run"), "{error}");
    let nobody = RunId::generate();
    assert!(matches!(
        studio.runs.stop(&nobody).await,
        Err(RunsError::NotFound(_))
    ));
    assert!(matches!(
        studio.runs.input(&nobody, Vec::new(), true).await,
        Err(RunsError::NotFound(_))
    ));
    assert!(
        studio
            .store
            .list_runs(&model::TeamId::first(), None, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn arguments_arrive_quoted() {
    let studio = Studio::open().await;
    studio.provider.world.programs_print("", 0);
    let request = StartRun {
        args: vec!["two words".to_owned(), "$(rm -rf /)".to_owned()],
        ..studio.request()
    };
    let told = {
        let run = studio.runs.start(request).await.unwrap();
        studio.told(&run.id).await
    };
    assert!(
        told.rows()
            .contains("$ python3 -u agent.py 'two words' '$(rm -rf /)'"),
        "{}",
        told.rows()
    );
}

#[tokio::test]
async fn input_reaches_the_program_and_not_before_it_runs() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.fail(
        "POST /api/sandbox",
        crate::fake::Fault::Delay(std::time::Duration::from_millis(300)),
        1,
    );
    let run = studio.start().await;
    let early = studio.runs.input(&run, b"early".to_vec(), false).await;
    assert!(matches!(early, Err(RunsError::NotRunning(_))), "{early:?}");
    studio.until(&run, RunState::Running).await;
    studio.runs.input(&run, b"hello\n".to_vec(), false).await.unwrap();
    studio.runs.input(&run, Vec::new(), true).await.unwrap();
    let (input, eof) = world
        .with_command(|command| (command.input.clone(), command.eof))
        .unwrap();
    assert_eq!((input.as_slice(), eof), (&b"hello\n"[..], true));
    world.exit(0);
    studio.told(&run).await;
    let late = studio.runs.input(&run, b"late".to_vec(), false).await;
    assert!(matches!(late, Err(RunsError::NotRunning(_))), "{late:?}");
}

#[tokio::test]
async fn packages_are_installed_first_and_their_failure_is_told() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    studio
        .store
        .save_file(&studio.agent, &path("requirements.txt"), b"requests\n", None)
        .await
        .unwrap();
    world.programs(|command| {
        let text = if command.starts_with("pip") {
            "Installing\n"
        } else {
            "Running\n"
        };
        (vec![(Stream::Stdout, text.as_bytes().to_vec())], Some(0))
    });
    let told = studio.run_to_end().await;
    assert_eq!(told.text(), "Installing\nRunning\n");
    assert_eq!(told.run().state, RunState::Succeeded);
    assert!(told.phase(Phase::Packages).unwrap().took.is_some());
    world.programs(|_| (vec![(Stream::Stderr, b"no network\n".to_vec())], Some(1)));
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Failed);
    assert_eq!(told.run().exit_code, None, "the program never ran");
    assert!(
        told.run().reason.as_ref().unwrap().contains("requirements.txt"),
        "{told:?}"
    );
    assert!(told.phase(Phase::Packages).unwrap().failed);
    assert!(told.phase(Phase::Run).is_none());
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn runs_wait_for_their_turn() {
    let studio = Studio::with(|config| config.concurrency = 1, |_| {}).await;
    let first = studio.start().await;
    studio.until(&first, RunState::Running).await;
    let owner = studio.store.agent(&studio.agent).await.unwrap().owner;
    let settings = model::AgentSettings::new("Second", "", model::Language::Python);
    let files = [(path("agent.py"), b"1\n".to_vec())];
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
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(
        studio.store.run(&second.id).await.unwrap().state,
        RunState::Queued
    );
    studio.provider.world.programs_print("second\n", 0);
    studio.provider.world.exit(0);
    assert_eq!(studio.told(&second.id).await.text(), "second\n");
}

#[tokio::test]
async fn an_installer_that_hangs_has_the_time_of_a_run() {
    let studio = Studio::open().await;
    studio
        .store
        .save_file(&studio.agent, &path("requirements.txt"), b"requests\n", None)
        .await
        .unwrap();
    let request = StartRun {
        timeout_seconds: Some(1),
        ..studio.request()
    };
    let run = studio.runs.start(request).await.unwrap().id;
    let told = studio.told(&run).await;
    assert_eq!(told.run().state, RunState::Failed);
    assert!(
        told.run().reason.as_ref().unwrap().contains("within 1 s"),
        "{told:?}"
    );
    assert_eq!(studio.provider.world.count(), 0);
}

#[tokio::test]
async fn input_during_the_clean_up_is_answered_at_once() {
    let studio = Studio::open().await;
    let world = &studio.provider.world;
    world.programs_print("", 0);
    world.fail(
        "DELETE /api/sandbox",
        crate::fake::Fault::Delay(std::time::Duration::from_secs(60)),
        1,
    );
    let run = studio.start().await;
    studio.until(&run, RunState::Finishing).await;
    // One or another may wait for its turn; none waits for the clean-up.
    let mut took = Vec::new();
    for _ in 0..5 {
        let began = std::time::Instant::now();
        let late = studio.runs.input(&run, b"late".to_vec(), false).await;
        assert!(matches!(late, Err(RunsError::NotRunning(_))), "{late:?}");
        took.push(began.elapsed());
    }
    took.sort();
    assert!(took[2] < std::time::Duration::from_secs(1), "{took:?}");
    assert_eq!(studio.store.run(&run).await.unwrap().state, RunState::Finishing);
}
