//! Two servers on one PostgreSQL, as processes of their own before one engine:
//! who is signed in at one is so at the other, and a run that one drives is
//! followed at the other byte for byte, also when the first is killed.

use super::{
    folder, pitlane,
    serve::{Server, serve_as},
    stdout,
};
use model::{AgentSettings, FilePath, Language, RunId, RunState, StreamMessage};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use store::Store;

const KEY: &str = "dtn_for_the_tests_of_two_servers_0123456789";
const MASTER_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// More than a lease, on a machine that does much else.
const WITHIN: Duration = Duration::from_secs(150);
/// Half a minute of lines, each with bytes that are no text.
const LINES: usize = 600;
const PROGRAM: &str = "import os, time\nfor i in range(600):\n    os.write(1, b'%06d \\xff\\x00\\xfe ' % i + b'.' * (i % 90) + b'\\n')\n    time.sleep(0.05)\n";

fn written() -> Vec<u8> {
    (0..LINES)
        .flat_map(|i| {
            [
                format!("{i:06} ").into_bytes(),
                b"\xff\0\xfe ".to_vec(),
                vec![b'.'; i % 90],
                b"\n".to_vec(),
            ]
            .concat()
        })
        .collect()
}

/// The engine that both servers use, ended with this.
struct Engine {
    process: Child,
    url: String,
}

impl Engine {
    fn start(folder: &Path) -> Self {
        let mut process = pitlane(folder)
            .args(["engine", "--addr", "127.0.0.1:0", "--api-key", KEY, "--warm", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("a line");
        let url = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { process, url }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

/// One installation.
struct Both {
    folder: tempfile::TempDir,
    database: String,
    engine: Engine,
    // Declared last: it goes after those who use it.
    _postgres: testkit::postgres::PrivatePostgres,
}

impl Both {
    /// None where PostgreSQL is not installed; `cargo xtask test` sees to it that it is.
    fn start() -> Option<Self> {
        testkit::postgres::find_binaries()?;
        let postgres = testkit::postgres::start().expect("a PostgreSQL");
        let folder = folder();
        let place = folder.path().join("engine");
        std::fs::create_dir(&place).expect("a folder");
        Some(Self {
            engine: Engine::start(&place),
            database: postgres.url().to_owned(),
            folder,
            _postgres: postgres,
        })
    }

    fn place(&self, name: &str) -> PathBuf {
        let place = self.folder.path().join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        place
    }

    fn settings(&self, command: &mut Command) {
        command
            .env("DATABASE_URL", &self.database)
            .env("DAYTONA_API_URL", &self.engine.url)
            .env("DAYTONA_API_KEY", KEY)
            .env("PITLANE_MASTER_KEY", MASTER_KEY);
    }

    fn serve(&self, name: &str) -> Server {
        serve_as(&self.place(name), |command| self.settings(command))
    }

    fn store<T>(&self, use_it: impl AsyncFnOnce(&Store) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let store = Store::open(&self.database).await.expect("the database");
            let value = use_it(&store).await;
            store.close().await;
            value
        })
    }

    fn token(&self) -> String {
        let mut command = pitlane(&self.place("commands"));
        self.settings(&mut command);
        let made = command
            .args(["token", "create", "tests"])
            .output()
            .expect("started");
        stdout(&made).trim().to_owned()
    }
}

/// A request of the old kind, whose answer is its bytes until the connection closes.
fn ask(address: &str, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}Content-Length: 0\r\n\r\n"
    )
    .expect("sent");
    stream
}

fn answer(mut stream: TcpStream) -> (String, Vec<u8>) {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("an answer");
    let end = all
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    (
        String::from_utf8_lossy(&all[..end]).into_owned(),
        all.split_off(end + 4),
    )
}

/// Reads on a thread of its own; what came so far can be looked at.
fn reading(mut stream: TcpStream) -> (Arc<Mutex<Vec<u8>>>, std::thread::JoinHandle<()>) {
    let so_far = Arc::new(Mutex::new(Vec::new()));
    let takes = Arc::clone(&so_far);
    let thread = std::thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            takes.lock().expect("no panic").extend(&piece[..count]);
        }
    });
    (so_far, thread)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn body(so_far: &Mutex<Vec<u8>>) -> Vec<u8> {
    let all = so_far.lock().expect("no panic").clone();
    let end = all.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or_else(Vec::new, |end| all[end + 4..].to_vec())
}

/// The bytes of the log in a stream of events, each byte where its offset says, none twice.
fn bytes_of_events(text: &[u8]) -> (Vec<u8>, bool) {
    let text = String::from_utf8_lossy(text).into_owned();
    let (mut bytes, mut has_end) = (Vec::new(), false);
    for line in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
        match serde_json::from_str::<StreamMessage>(line) {
            Ok(StreamMessage::Log { frames, .. }) => {
                for frame in frames {
                    assert_eq!(frame.offset, bytes.len() as u64, "in order, without a hole");
                    bytes.extend(frame.bytes());
                }
            }
            Ok(StreamMessage::End { .. }) => has_end = true,
            _ => {}
        }
    }
    (bytes, has_end)
}

#[test]
fn a_run_is_followed_at_one_and_its_driver_killed() {
    let Some(both) = Both::start() else { return };
    let mut one = both.serve("one");
    let other = both.serve("other");
    // Who signs in at one is signed in at the other.
    let line = one.line();
    let link = line.trim().rsplit(' ').next().expect("a link").to_owned();
    let path = link.split_once(&one.address).expect("an address").1.to_owned();
    let (head, _) = answer(ask(&one.address, "GET", &path, ""));
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next())
        .expect("a cookie")
        .to_owned();
    let cookie = format!("Cookie: {cookie}\r\n");
    let who = |address: &str| answer(ask(address, "GET", "/api/session", &cookie));
    for address in [&one.address, &other.address] {
        let (head, body) = who(address);
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        assert!(String::from_utf8_lossy(&body).contains("owner"));
    }
    let token = both.token();
    let bearer = format!("Authorization: Bearer {token}\r\n");
    both.store(async |store| {
        let owner = store.users().await.expect("users").remove(0);
        let file = (
            FilePath::parse("agent.py").expect("a path"),
            PROGRAM.as_bytes().to_vec(),
        );
        let settings = AgentSettings::new("Scout", "", Language::Python);
        store
            .create_agent(&model::TeamId::first(), &owner.id, &settings, &[file])
            .await
            .expect("an agent");
    });
    let (head, _) = answer(ask(
        &one.address,
        "POST",
        "/api/agents/scout/execute",
        &format!("{bearer}Prefer: respond-async\r\n"),
    ));
    assert!(head.starts_with("HTTP/1.0 202"), "{head}");
    let run = head
        .lines()
        .find_map(|line| line.strip_prefix("location: /api/runs/"))
        .expect("its address")
        .trim()
        .to_owned();
    let run = RunId::parse(&run).expect("an id");
    // Readers at both; those at the first lose their connection with it.
    let log = format!("/api/runs/{run}/log?follow=true");
    let events = format!("/api/runs/{run}/events");
    let (plain, plain_thread) = reading(ask(&other.address, "GET", &log, &bearer));
    let (told, told_thread) = reading(ask(&other.address, "GET", &events, &cookie));
    let (lost, lost_thread) = reading(ask(&one.address, "GET", &log, &bearer));
    until("the other reads what the first drives", || {
        body(&plain).len() > 2000 && !body(&told).is_empty() && body(&lost).len() > 2000
    });
    let first_holder = both.store(async |store| store.holder_of(&run).await.expect("read"));
    one.process.kill().expect("killed");
    one.process.wait().expect("ended");
    lost_thread.join().expect("no panic");
    let before = body(&lost);
    assert!(before.len() < written().len(), "it was killed in the middle");
    assert_eq!(before, written()[..before.len()], "what it gave is right");
    until("the run ends", || {
        plain_thread.is_finished() && told_thread.is_finished()
    });
    assert_eq!(body(&plain), written(), "every byte, as it was written");
    let (bytes, has_end) = bytes_of_events(&body(&told));
    assert_eq!(bytes, written(), "the same as events");
    assert!(has_end, "and their end");
    both.store(async |store| {
        let ended = store.run(&run).await.expect("the run");
        assert_eq!(
            (ended.state, ended.exit_code),
            (RunState::Succeeded, Some(0)),
            "{ended:?}"
        );
        let holder = store.holder_of(&run).await.expect("read");
        assert!(holder.is_some() && holder != first_holder, "another took it over");
        let events = store.events_after(&run, 0, 500).await.expect("events");
        let starts = events
            .iter()
            .filter(|event| {
                matches!(
                    event.kind,
                    model::EventKind::State {
                        state: RunState::Running,
                        ..
                    }
                )
            })
            .count();
        assert_eq!(starts, 1, "it ran once");
        assert_eq!(
            store.list_sandboxes().await.expect("rows"),
            [],
            "no sandbox is left"
        );
    });
    // The first comes back, and a reader who goes on there from where it was cut off misses nothing.
    let one = both.serve("one");
    let rest = format!("/api/runs/{run}/log?from={}", before.len());
    let (_, rest) = answer(ask(&one.address, "GET", &rest, &bearer));
    assert_eq!([before, rest].concat(), written());
    one.stop();
    other.stop();
}
