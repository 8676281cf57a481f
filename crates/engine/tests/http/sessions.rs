//! Sessions: what persists, what is kept apart, and logs to the last byte.

use libtest_mimic::Trial;
use std::time::{Duration, Instant};

use crate::support::{Engine, background, eventually, follow, processes_with, runs_somewhere, within};
use daytona::{InputRequest, SessionExecuteRequest};
use futures::StreamExt;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

pub fn trials() -> Vec<Trial> {
    trials![
        what_a_command_changes_is_there_for_the_next,
        commands_of_a_session_run_in_order_and_codes_come_after_the_output,
        a_followed_log_is_exact,
        a_log_is_taken_up_at_any_offset_and_by_many,
        input_that_ends_at_once_ends_the_command,
        input_reaches_a_running_command,
        past_the_bound_the_middle_is_dropped_and_said,
        deleting_a_session_ends_everything_it_started,
        daytonas_own_format_is_followed_by_websocket,
    ]
}

fn waiting(command: &str) -> SessionExecuteRequest {
    SessionExecuteRequest {
        command: command.to_owned(),
        ..SessionExecuteRequest::default()
    }
}

async fn what_a_command_changes_is_there_for_the_next() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    assert!(toolbox.create_session("s").await.unwrap_err().is_conflict());
    let first = waiting(
        "mkdir -p a/b; cd a/b; export V=' two  words'; f() { echo \"f $1\"; }; echo out; echo err >&2; (exit 7)",
    );
    let first = toolbox.session_exec("s", first).await.unwrap();
    assert_eq!(first.exit_code, Some(7));
    assert_eq!(
        (first.stdout.as_deref(), first.stderr.as_deref()),
        (Some("out\n"), Some("err\n"))
    );
    let second = toolbox
        .session_exec("s", waiting("pwd; echo \"$V\"; f x"))
        .await
        .unwrap();
    assert_eq!(
        second.stdout.as_deref(),
        Some("/home/daytona/a/b\n two  words\nf x\n")
    );
    // Standard input of a command that is waited for is at its end.
    let third = toolbox
        .session_exec("s", waiting("cat; echo \"'q' $?\""))
        .await
        .unwrap();
    assert_eq!(third.stdout.as_deref(), Some("'q' 0\n"));
    // What a command does to its own descriptors is over with it.
    let fourth = toolbox
        .session_exec("s", waiting("exec >/dev/null 2>&1 </dev/null; echo lost"))
        .await
        .unwrap();
    assert_eq!((fourth.exit_code, fourth.stdout.as_deref()), (Some(0), Some("")));
    let fifth = toolbox
        .session_exec("s", waiting("echo back; if then"))
        .await
        .unwrap();
    assert_ne!(fifth.exit_code, Some(0), "a syntax error is a failure");
    assert!(fifth.stderr.unwrap().contains("syntax error"));
    let sixth = toolbox
        .session_exec("s", waiting("echo still here; kill -9 $BASHPID; echo no"))
        .await
        .unwrap();
    assert_eq!(
        (sixth.exit_code, sixth.stdout.as_deref()),
        (Some(137), Some("still here\n"))
    );
    assert!(
        toolbox
            .session_exec("s", waiting("true"))
            .await
            .unwrap_err()
            .is_gone()
    );
    assert_eq!(toolbox.session("s").await.unwrap().commands.len(), 6);
}

async fn commands_of_a_session_run_in_order_and_codes_come_after_the_output() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    // It waits for a file that is made later: who is answered now did not wait for its end.
    let slow = background("until [ -e go ]; do sleep 0.05; done; echo slow >>log; echo done");
    let slow = tokio::time::timeout(Duration::from_secs(30), toolbox.session_exec("s", slow))
        .await
        .expect("a background command answers at once")
        .unwrap();
    assert_eq!(
        toolbox
            .session_command("s", &slow.cmd_id)
            .await
            .unwrap()
            .exit_code,
        None
    );
    let next = toolbox.session_exec("s", waiting("echo next >>log; cat log"));
    let go = async {
        eventually("both were taken", async || {
            toolbox.session("s").await.unwrap().commands.len() == 2
        })
        .await;
        toolbox.upload(vec![("go".into(), "now".into())]).await.unwrap();
    };
    let (next, ()) = tokio::join!(next, go);
    let next = next.unwrap();
    assert_eq!(next.stdout.as_deref(), Some("slow\nnext\n"));
    assert_eq!(
        toolbox
            .session_command("s", &slow.cmd_id)
            .await
            .unwrap()
            .exit_code,
        Some(0)
    );
    assert_eq!(
        toolbox.session_logs("s", &slow.cmd_id).await.unwrap().stdout,
        "done\n"
    );
}

async fn a_followed_log_is_exact() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let cases: [(&str, &[u8], &[u8], i32); 8] = [
        (r"printf 'a\nb'", b"a\nb", b"", 0),
        (
            r"printf '\001\001\001\377\000\303' ; printf '\002\002\002' >&2; exit_with() { return 3; }; exit_with",
            b"\x01\x01\x01\xff\0\xc3",
            b"\x02\x02\x02",
            3,
        ),
        (
            "python3 -c 'import os,time; os.close(1); os.close(2); time.sleep(0.2)'; echo after",
            b"after\n",
            b"",
            0,
        ),
        ("(sleep 60 &) ; echo daemon stays", b"daemon stays\n", b"", 0),
        ("bash -c 'kill -SEGV $$'", b"", b"", 139),
        ("bash -c 'echo x; kill -TERM $$'", b"x\n", b"", 143),
        (
            "echo via name >/dev/stdout; echo error >/dev/stderr",
            b"via name\n",
            b"error\n",
            0,
        ),
        ("", b"", b"", -1),
    ];
    for (command, stdout, stderr, code) in cases {
        if command.is_empty() {
            assert_eq!(
                toolbox
                    .session_exec("s", background("  "))
                    .await
                    .unwrap_err()
                    .status(),
                Some(400)
            );
            continue;
        }
        let start = Instant::now();
        let id = toolbox
            .session_exec("s", background(command))
            .await
            .unwrap()
            .cmd_id;
        let log = follow(&toolbox, "s", &id, 0).await;
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{command} took {:?}",
            start.elapsed()
        );
        assert_eq!(log.stdout, stdout, "{command}");
        // Bash says on its own account that a program died by a signal.
        if code < 128 {
            assert_eq!(log.stderr, stderr, "{command}");
        }
        // Who was told the end finds the exit code at once.
        assert_eq!(
            toolbox.session_command("s", &id).await.unwrap().exit_code,
            Some(code),
            "{command}"
        );
    }
}

async fn a_log_is_taken_up_at_any_offset_and_by_many() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let command = "for i in $(seq 1 2000); do echo line $i; done; sleep 0.2; for i in $(seq 1 2000); do echo more $i; done";
    let id = toolbox
        .session_exec("s", background(command))
        .await
        .unwrap()
        .cmd_id;
    let followers = (0..4).map(|_| follow(&toolbox, "s", &id, 0));
    let all = futures::future::join_all(followers).await;
    let whole = &all[0].stdout;
    assert!(whole.ends_with(b"more 2000\n"));
    assert!(all.iter().all(|log| log.stdout == *whole));
    for from in [1, 5000, whole.len() - 1, whole.len(), whole.len() + 10] {
        let log = follow(&toolbox, "s", &id, from as u64).await;
        assert_eq!(log.stdout, whole.get(from..).unwrap_or_default(), "from {from}");
    }
}

/// The end of input may come before the shell has opened the command's end of
/// the pipe; the command then reads it all the same, and does not wait for ever.
async fn input_that_ends_at_once_ends_the_command() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    for round in 0..10 {
        let session = format!("s{round}");
        toolbox.create_session(&session).await.unwrap();
        let id = toolbox
            .session_exec(&session, background("cat; echo over"))
            .await
            .unwrap()
            .cmd_id;
        let end = InputRequest {
            data: String::new(),
            raw: true,
            eof: true,
        };
        toolbox.session_input(&session, &id, end).await.unwrap();
        let log = tokio::time::timeout(Duration::from_secs(20), follow(&toolbox, &session, &id, 0))
            .await
            .expect("the command ends with its input");
        assert_eq!(String::from_utf8_lossy(&log.stdout), "over\n");
    }
}

async fn input_reaches_a_running_command() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let id = toolbox
        .session_exec("s", background("read a; read b; echo \"<$a><$b>\"; cat"))
        .await
        .unwrap()
        .cmd_id;
    let raw = |data: &str, eof| InputRequest {
        data: data.to_owned(),
        raw: true,
        eof,
    };
    toolbox
        .session_input("s", &id, InputRequest::line("one"))
        .await
        .unwrap();
    toolbox.session_input("s", &id, raw("t", false)).await.unwrap();
    toolbox
        .session_input("s", &id, raw("wo\nrest", true))
        .await
        .unwrap();
    let log = follow(&toolbox, "s", &id, 0).await;
    assert_eq!(String::from_utf8_lossy(&log.stdout), "<one><two>\nrest");
    let late = toolbox
        .session_input("s", &id, InputRequest::line("x"))
        .await
        .unwrap_err();
    assert!(late.is_gone());
    assert_eq!(late.code(), Some("COMMAND_ALREADY_COMPLETED"));

    // Daytona's own way: the echo is part of the log.
    let mut echoed = background("read a");
    echoed.suppress_input_echo = None;
    let id = toolbox.session_exec("s", echoed).await.unwrap().cmd_id;
    toolbox
        .session_input("s", &id, InputRequest::line("hello"))
        .await
        .unwrap();
    assert_eq!(follow(&toolbox, "s", &id, 0).await.stdout, b"hello\n");
}

async fn past_the_bound_the_middle_is_dropped_and_said() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let total = 400_u64 << 20;
    let command = format!("head -c {total} /dev/zero; echo the end");
    let id = toolbox
        .session_exec("s", background(&command))
        .await
        .unwrap()
        .cmd_id;
    // Much is written: that takes its time.
    within(Duration::from_secs(120), "exit code", async || {
        toolbox.session_command("s", &id).await.unwrap().exit_code == Some(0)
    })
    .await;
    let log = follow(&toolbox, "s", &id, 0).await;
    assert_eq!(log.end, total + 8);
    assert_eq!(log.stdout.len() as u64 + log.missing, log.end);
    assert!(
        log.missing >= total - (256 << 20) && log.missing < total - (200 << 20),
        "{} missing",
        log.missing
    );
    assert!(log.stdout.ends_with(b"the end\n"));
    let end = toolbox.delete_session("s", Some(Duration::ZERO)).await.unwrap();
    assert_eq!(end.left, Some(0));
    let spool = engine.data.join("spool");
    eventually("the spool is gone", async || {
        std::fs::read_dir(&spool)
            .unwrap()
            .flatten()
            .all(|folder| std::fs::read_dir(folder.path()).unwrap().count() == 0)
    })
    .await;
}

async fn deleting_a_session_ends_everything_it_started() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let mark = format!("31337.{}", std::process::id());
    let command = format!(
        "trap '' TERM; (sleep {mark} &); setsid sleep {mark} & (trap '' TERM; exec setsid sleep {mark}) & echo up; sleep {mark}; sleep {mark}"
    );
    let id = toolbox
        .session_exec("s", background(&command))
        .await
        .unwrap()
        .cmd_id;
    let mut log = toolbox.follow_logs("s", &id, 0).await.unwrap();
    assert!(log.next().await.unwrap().is_ok());
    // The word comes before all of them are what they will be.
    eventually("all four run", async || processes_with(&mark).len() >= 4).await;
    let end = toolbox
        .delete_session("s", Some(Duration::from_millis(100)))
        .await
        .unwrap();
    assert_eq!(end.left, Some(0));
    assert!(end.ended.unwrap() >= 4, "{end:?}");
    assert!(!runs_somewhere(&mark));
    // Who followed is told the end; who asks now is told that it is gone.
    while let Some(piece) = log.next().await {
        piece.unwrap();
    }
    assert!(toolbox.session("s").await.unwrap_err().is_not_found());
    assert!(
        toolbox
            .delete_session("s", None)
            .await
            .unwrap_err()
            .is_not_found()
    );
    toolbox.create_session("s").await.unwrap();
    assert_eq!(
        toolbox
            .session_exec("s", waiting("echo again"))
            .await
            .unwrap()
            .exit_code,
        Some(0)
    );
}

async fn daytonas_own_format_is_followed_by_websocket() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let id = toolbox
        .session_exec(
            "s",
            background("echo o1; read -r go; echo e1 >&2; read -r go; echo o2"),
        )
        .await
        .unwrap()
        .cmd_id;
    let url = format!(
        "{}/toolbox/{}/process/session/s/command/{id}/logs?follow=true",
        engine.url.replace("http", "ws"),
        sandbox.id
    );
    let mut request = url.as_str().into_client_request().unwrap();
    request.headers_mut().insert(
        "authorization",
        format!("Bearer {}", crate::support::KEY).parse().unwrap(),
    );
    let (mut socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert!(response.headers().get("x-pitlane-log").is_none());
    let mut bytes = Vec::new();
    let mut close = None;
    while let Some(message) = socket.next().await {
        match message.unwrap() {
            Message::Binary(piece) => {
                bytes.extend_from_slice(&piece);
                // Each word is said only when the one before was heard: two streams
                // that speak at once have no order.
                if bytes.ends_with(b"o1\n") || bytes.ends_with(b"e1\n") {
                    let line = InputRequest::line("go");
                    toolbox.session_input("s", &id, line).await.unwrap();
                }
            }
            Message::Close(frame) => close = frame,
            _ => {}
        }
    }
    assert_eq!(bytes, b"\x01\x01\x01o1\n\x02\x02\x02e1\n\x01\x01\x01o2\n");
    assert_eq!(u16::from(close.unwrap().code), 1000);

    let without_key = tokio_tungstenite::connect_async(url.as_str()).await.unwrap_err();
    assert!(matches!(without_key, tungstenite::Error::Http(refused) if refused.status() == 401));
}
