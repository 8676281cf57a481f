//! How long things take; run with `--ignored --nocapture` for the table.

use std::time::{Duration, Instant};

use engine::sandbox::SandboxSpec;
use libtest_mimic::Trial;

use crate::kit::{Ground, ground_with, read_line, start, trial, unique};

const ROUNDS: usize = 50;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("bench::figures", figures).with_ignored_flag(true),
        Trial::test("bench::network", || {
            // As the engine runs: what carries the bytes has more than one thread.
            tokio::runtime::Runtime::new()?.block_on(network());
            Ok(())
        })
        .with_ignored_flag(true),
    ]
}

/// Bytes that are sent each way.
const LOAD: u64 = 1 << 30;

/// A server of this host that sends so many bytes, then takes as many.
fn loaded_server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut order = [0];
                std::io::Read::read_exact(&mut stream, &mut order)?;
                match order[0] {
                    b'd' => {
                        let mut zeros = std::io::Read::take(std::io::repeat(0), LOAD);
                        std::io::copy(&mut zeros, &mut stream)
                    }
                    b'u' => {
                        let mut sent = std::io::Read::take(&mut stream, LOAD);
                        std::io::copy(&mut sent, &mut std::io::sink())?;
                        std::io::copy(&mut &b"!"[..], &mut stream)
                    }
                    _ => std::io::copy(&mut &b"!"[..], &mut stream),
                }
            });
        }
    });
    port
}

/// A program that measures: down and up in MB/s, and the time of a connection
/// with one byte each way.
const MEASURE: &str = r"
import socket, sys, time, statistics
host, port, load = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def connect(order):
    s = socket.create_connection((host, port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(order)
    return s
buffer = bytearray(1 << 20)
s, began, got = connect(b'd'), time.monotonic(), 0
while got < load: got += s.recv_into(buffer)
down = load / (time.monotonic() - began) / 1e6
s, began, sent = connect(b'u'), time.monotonic(), 0
while sent < load: sent += s.send(buffer)
assert s.recv(1) == b'!'
up = load / (time.monotonic() - began) / 1e6
times = []
for _ in range(300):
    began = time.monotonic()
    assert connect(b'e').recv(1) == b'!'
    times.append(time.monotonic() - began)
print(f'{down:6.0f} MB/s down, {up:6.0f} MB/s up, connection and one byte each way {statistics.median(times) * 1000:.2f} ms')
";

async fn network() {
    let port = loaded_server();
    let ground = ground_with(|config| config.network = format!("127.0.0.1:{port}").parse().unwrap()).await;
    let sandbox = ground.sandbox().await;
    let (port, load) = (port.to_string(), LOAD.to_string());
    let program = ["python3", "-c", MEASURE, "10.0.2.2", &port, &load];
    let inside = crate::kit::run(&sandbox, &program).await;
    let outside = std::process::Command::new("/usr/bin/python3")
        .args(["-c", MEASURE, "127.0.0.1", &port, &load])
        .output()
        .unwrap();
    let lines = format!(
        "in a sandbox, {:<5}  {}without a sandbox    {}",
        ground.host.wiring().name(),
        inside.out,
        String::from_utf8_lossy(&outside.stdout)
    );
    std::io::Write::write_all(&mut std::io::stderr(), lines.as_bytes()).unwrap();
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
