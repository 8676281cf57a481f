//! Logs that outlive their engine, and output without end.

use libtest_mimic::Trial;

use std::time::Duration;

use daytona::{CreateSandbox, ExecuteRequest};

use crate::support::{Engine, background, eventually, follow};

pub fn trials() -> Vec<Trial> {
    trials![
        logs_of_a_killed_engine_are_read_by_the_next,
        output_without_end_is_bounded
    ]
}

async fn logs_of_a_killed_engine_are_read_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let client = engine.client();
    let sandbox = client.create(&CreateSandbox::default()).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    toolbox.create_session("s").await.unwrap();
    let ended = toolbox
        .session_exec("s", background("seq 1 100000; echo err >&2; (exit 3)"))
        .await
        .unwrap()
        .cmd_id;
    let before = follow(&toolbox, "s", &ended, 0).await;
    let running = toolbox
        .session_exec("s", background("echo half; sleep 600"))
        .await
        .unwrap()
        .cmd_id;
    eventually("it printed", async || {
        toolbox.session_logs("s", &running).await.unwrap().stdout == "half\n"
    })
    .await;
    engine.kill();

    let engine = Engine::start_in(folder.path().to_owned(), &[]);
    let client = engine.client();
    let toolbox = client
        .toolbox(&client.get(&sandbox.id).await.unwrap())
        .await
        .unwrap();
    // As long as it is stopped, and when it runs again.
    for start in [false, true] {
        if start {
            client.start(&sandbox.id).await.unwrap();
        }
        // Asked plainly: our client waits for a sandbox that is not started.
        let home = engine
            .http()
            .get(format!("{}/toolbox/{}/user-home-dir", engine.url, sandbox.id));
        assert_eq!(home.send().await.unwrap().status().is_success(), start);
        let after = follow(&toolbox, "s", &ended, 0).await;
        assert_eq!(
            (after.stdout.len(), after.stderr.as_slice()),
            (before.stdout.len(), &b"err\n"[..])
        );
        assert_eq!(after.stdout, before.stdout);
        assert_eq!(
            toolbox.session_logs("s", &running).await.unwrap().stdout,
            "half\n"
        );
        let codes: Vec<_> = toolbox
            .session("s")
            .await
            .unwrap()
            .commands
            .iter()
            .map(|command| command.exit_code)
            .collect();
        assert_eq!(
            codes,
            [Some(3), Some(137)],
            "the second was killed with its engine"
        );
        assert!(toolbox.session("none").await.is_err());
        assert!(toolbox.session_logs("s", "none").await.is_err());
    }
    client.stop(&sandbox.id).await.unwrap();
    let url = format!(
        "{}/toolbox/{}/process/session/s/command/{ended}/logs",
        engine.url, sandbox.id
    );
    let cleared = engine.http().get(url).send().await.unwrap();
    assert_eq!(cleared.status(), 400, "a stop in order clears them away");
}

/// Bytes of the files below a folder.
fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(known) if known.is_dir() => size(&entry.path()),
            Ok(known) => known.len(),
            Err(_) => 0,
        })
        .sum()
}

async fn output_without_end_is_bounded() {
    const KEPT: u64 = 256 << 20;
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let command = "(sleep 600; exit) & yes $(head -c 4000 /dev/zero | tr '\\0' x) & yes >&2 & wait";
    let id = toolbox
        .session_exec("s", background(command))
        .await
        .unwrap()
        .cmd_id;
    let spool = engine.data.join("spool");
    let own = ::engine::lock::read(&engine.data).unwrap().pid;
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{own}/status")).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
    };
    // Somebody follows and never reads.
    let idle = toolbox.follow_logs("s", &id, 0).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(6);
    let mut most = 0;
    while tokio::time::Instant::now() < deadline {
        most = most.max(size(&spool));
        assert!(resident() < 256 << 20, "{} MiB resident", resident() >> 20);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(most <= KEPT + (64 << 20), "{} MiB on disk", most >> 20);
    drop(idle);
    toolbox.delete_session("s", Some(Duration::ZERO)).await.unwrap();
    // With whoever followed it last.
    eventually("the log goes with its session", async || size(&spool) == 0).await;
    let refused = toolbox.execute(ExecuteRequest {
        timeout: Some(2),
        ..ExecuteRequest::new("yes")
    });
    assert!(refused.await.unwrap_err().is_execution_timeout());
    assert!(resident() < 256 << 20, "{} MiB resident", resident() >> 20);
}
