//! How fast it is, with bounds wide enough for a busy machine and a build
//! without optimisation; the figures are printed.

use libtest_mimic::Trial;

use std::io::Write;
use std::time::{Duration, Instant};

use daytona::LogPiece;

use crate::support::{Engine, background, ephemeral, follow};

pub fn trials() -> Vec<Trial> {
    trials![a_million_lines_flow, the_first_line_comes_soon]
}

fn say(line: &str) {
    std::io::stdout()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

async fn a_million_lines_flow() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let command = "python3 -c 'for i in range(1000000): print(f\"{i:07d} a line of output such as a program prints it, 80 bytes with its number\")'";
    let start = Instant::now();
    let id = toolbox
        .session_exec("s", background(command))
        .await
        .unwrap()
        .cmd_id;
    let log = follow(&toolbox, "s", &id, 0).await;
    let took = start.elapsed();
    assert_eq!(
        log.stdout.iter().filter(|byte| **byte == b'\n').count(),
        1_000_000
    );
    assert!(log.stdout.ends_with(b"with its number\n"));
    let megabytes = log.stdout.len() as f64 / 1e6;
    say(&format!(
        "1,000,000 lines: {took:?}, {:.0} MB/s to the client",
        megabytes / took.as_secs_f64()
    ));
    assert!(took < Duration::from_secs(30));
}

async fn the_first_line_comes_soon() {
    let engine = Engine::start_with(&[("ENGINE_WARM", "2")]);
    let client = engine.client();
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let sandbox = client.create(&ephemeral()).await.unwrap();
        let created = start.elapsed();
        let toolbox = client.toolbox(&sandbox).await.unwrap();
        toolbox.create_session("s").await.unwrap();
        let session = start.elapsed();
        let id = toolbox
            .session_exec("s", background("echo here"))
            .await
            .unwrap()
            .cmd_id;
        let ran = start.elapsed();
        let mut log = toolbox.follow_logs("s", &id, 0).await.unwrap();
        assert!(matches!(log.next().await, Some(Ok(LogPiece::Output { bytes, .. })) if bytes == "here\n"));
        times.push((start.elapsed(), created, session, ran));
        client.delete(&sandbox.id).await.unwrap();
    }
    times.sort();
    let (first, created, session, ran) = times[times.len() / 2];
    say(&format!(
        "press to first byte p50 {first:?}: created {created:?}, session {session:?}, command {ran:?}; worst {:?}",
        times[times.len() - 1].0
    ));
    assert!(first < Duration::from_secs(1));
}
