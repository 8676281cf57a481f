//! How long things take; run with `--ignored --nocapture` for the table.

use std::time::{Duration, Instant};

use engine::sandbox::SandboxSpec;
use libtest_mimic::Trial;

use crate::kit::{Ground, ground_with, read_line, start, trial, unique};

const ROUNDS: usize = 50;

pub fn trials() -> Vec<Trial> {
    vec![trial("bench::figures", figures).with_ignored_flag(true)]
}

async fn figures() {
    let cold = ground_with(|_| {}).await;
    let [mut create, mut echo, mut destroy] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        round(&cold, false, &mut create, &mut echo, &mut destroy).await;
    }
    report("create, cold", create);
    report("spawn echo, first output", echo);
    report("destroy", destroy);
    let warm = ground_with(|config| config.warm = 2).await;
    let [mut create, mut echo, mut destroy] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        tokio::time::sleep(Duration::from_millis(60)).await;
        round(&warm, true, &mut create, &mut echo, &mut destroy).await;
    }
    report("create, warm", create);
    let spec = SandboxSpec {
        id: unique(),
        ..SandboxSpec::default()
    };
    let sandbox = cold.host.create(spec).await.unwrap();
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        let asked = Instant::now();
        let output = std::process::Command::new("/bin/echo")
            .arg("hello")
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"hello\n");
        bare.push(asked.elapsed());
    }
    report("echo without a sandbox", bare);
    let (mut echo, mut python) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let asked = Instant::now();
        let process = start(&sandbox, &["/bin/echo", "hello"]).await;
        let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
        assert_eq!(read_line(&mut out).await, "hello");
        echo.push(asked.elapsed());
    }
    report("spawn echo again, first output", echo);
    for _ in 0..ROUNDS {
        let asked = Instant::now();
        let process = start(&sandbox, &["python3", "-c", "print(1)"]).await;
        let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
        assert_eq!(read_line(&mut out).await, "1");
        python.push(asked.elapsed());
    }
    report("spawn python3 print, first output", python);
}

async fn round(
    ground: &Ground,
    warm: bool,
    create: &mut Vec<Duration>,
    echo: &mut Vec<Duration>,
    destroy: &mut Vec<Duration>,
) {
    let asked = Instant::now();
    let spec = SandboxSpec {
        id: unique(),
        ..SandboxSpec::default()
    };
    let sandbox = ground.host.create(spec).await.unwrap();
    create.push(asked.elapsed());
    assert_eq!(sandbox.warm(), warm);
    let asked = Instant::now();
    let process = start(&sandbox, &["/bin/echo", "hello"]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(read_line(&mut out).await, "hello");
    echo.push(asked.elapsed());
    destroy.push(sandbox.destroy().await.unwrap().took);
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    let line = format!("{what:<36} p50 {:6.2} ms   p95 {:6.2} ms\n", at(50), at(95));
    // The harness has no way to print; this is its purpose.
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
}
