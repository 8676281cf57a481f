//! Programs that run to their end in one call.

use libtest_mimic::Trial;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::{Engine, runs_somewhere};
use daytona::{CodeRunRequest, ExecuteRequest};

pub fn trials() -> Vec<Trial> {
    trials![
        execute_gives_code_and_output,
        a_daemon_does_not_hold_the_answer_up,
        a_timeout_is_a_408_and_ends_the_whole_tree,
        large_and_odd_output_comes_whole,
        code_runs_in_three_languages,
    ]
}

async fn execute_gives_code_and_output() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let request = ExecuteRequest {
        envs: Some(BTreeMap::from([("A".to_owned(), "1 2".to_owned())])),
        cwd: Some("/tmp".to_owned()),
        ..ExecuteRequest::new("echo \"$A\"; pwd; echo err >&2; echo $DAYTONA_SANDBOX_ID; exit 3")
    };
    let done = toolbox.execute(request).await.unwrap();
    assert_eq!(done.exit_code, 3);
    assert_eq!(done.result, format!("1 2\n/tmp\nerr\n{}\n", sandbox.id));

    for (request, status) in [
        (ExecuteRequest::new(" \n"), 400),
        (
            ExecuteRequest {
                envs: Some(BTreeMap::from([("BAD-NAME".to_owned(), String::new())])),
                ..ExecuteRequest::new("true")
            },
            400,
        ),
    ] {
        assert_eq!(toolbox.execute(request).await.unwrap_err().status(), Some(status));
    }
    let nowhere = ExecuteRequest {
        cwd: Some("/nowhere".to_owned()),
        ..ExecuteRequest::new("true")
    };
    assert_eq!(toolbox.execute(nowhere).await.unwrap().exit_code, -1);
}

async fn a_daemon_does_not_hold_the_answer_up() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let start = Instant::now();
    let done = toolbox
        .execute(ExecuteRequest::new(
            "sleep 60 & (sleep 0.01; exec yes) & echo here; exit 5",
        ))
        .await
        .unwrap();
    assert_eq!(done.exit_code, 5);
    assert!(done.result.contains("here\n"));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "took {:?}",
        start.elapsed()
    );
}

async fn a_timeout_is_a_408_and_ends_the_whole_tree() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let mark = format!("4242.{}", std::process::id());
    let request = ExecuteRequest {
        timeout: Some(1),
        ..ExecuteRequest::new(format!("setsid sleep {mark} & sleep {mark}"))
    };
    let start = Instant::now();
    let refused = toolbox.execute(request).await.unwrap_err();
    assert!(refused.is_execution_timeout(), "{refused:?}");
    assert!(start.elapsed() < Duration::from_secs(4));
    assert!(!runs_somewhere(&mark));
}

async fn large_and_odd_output_comes_whole() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let done = toolbox
        .execute(ExecuteRequest::new("seq 1 300000"))
        .await
        .unwrap();
    assert_eq!(done.result.lines().count(), 300_000);
    assert!(done.result.ends_with("\n300000\n"));
    let odd = toolbox
        .execute(ExecuteRequest::new(r"printf 'a\377\000\001b'"))
        .await
        .unwrap();
    assert_eq!(odd.result, "a\u{FFFD}\0\u{1}b");
}

async fn code_runs_in_three_languages() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let run = |language: &str, code: &str| {
        toolbox.code_run(CodeRunRequest {
            code: code.to_owned(),
            language: language.to_owned(),
            argv: Some(vec!["a b".to_owned(), "c".to_owned()]),
            ..CodeRunRequest::default()
        })
    };
    let python = run("python", "import sys\nprint(sys.argv[1:])\nraise SystemExit(4)")
        .await
        .unwrap();
    assert_eq!((python.exit_code, python.result.as_str()), (4, "['a b', 'c']\n"));
    let traceback = run("python", "1/0").await.unwrap();
    assert_eq!(traceback.exit_code, 1);
    assert!(traceback.result.contains("ZeroDivisionError"));
    let javascript = run("javascript", "console.log(process.argv.slice(1).join('|'))")
        .await
        .unwrap();
    assert_eq!((javascript.exit_code, javascript.result.as_str()), (0, "a b|c\n"));
    assert_eq!(run("cobol", "").await.unwrap_err().status(), Some(400));
}
