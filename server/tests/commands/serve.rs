//! A server from its start to its end.

use super::{folder, pitlane, stdout};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long what has to come may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    pub process: Child,
    lines: BufReader<std::process::ChildStdout>,
    pub address: String,
}

pub fn serve(folder: &Path) -> Server {
    serve_with_log(folder, Stdio::inherit())
}

/// The same with these variables.
pub fn serve_with(folder: &Path, variables: &[(&str, &str)]) -> Server {
    serve_as(folder, |command| {
        command.envs(variables.iter().copied());
    })
}

fn serve_with_log(folder: &Path, log: Stdio) -> Server {
    serve_as(folder, |command| {
        command.stderr(log);
    })
}

/// One that is started in another way.
pub fn serve_as(folder: &Path, change: impl FnOnce(&mut Command)) -> Server {
    try_serve_as(folder, change).unwrap_or_else(|line| panic!("{line}"))
}

/// The same. One that does not say first that it is ready is ended; what it said instead.
pub fn try_serve_as(folder: &Path, change: impl FnOnce(&mut Command)) -> Result<Server, String> {
    let mut command = pitlane(folder);
    command
        .args(["serve", "--addr", "127.0.0.1:0", "--warm", "0"])
        .stdout(Stdio::piped());
    change(&mut command);
    let mut process = command.spawn().expect("started");
    let mut lines = BufReader::new(process.stdout.take().expect("its output"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let Some(address) = line.trim().strip_prefix("Pitlane is ready at http://") else {
        let _ = process.kill();
        let _ = process.wait();
        return Err(line);
    };
    Ok(Server {
        process,
        lines,
        address: address.to_owned(),
    })
}

impl Server {
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line
    }

    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// It is ready, or is within a while: a database that is slow to answer is told as not ready.
    pub fn assert_ready(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.get("/readyz");
            if answer.starts_with("HTTP/1.1 200") {
                return;
            }
            assert!(Instant::now() < until, "{answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn tell(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, signal).expect("told");
    }

    pub fn stop(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.tell(rustix::process::Signal::TERM);
        let status = self.process.wait().expect("ended");
        (status.code(), began.elapsed())
    }
}

/// Of a test that failed: nobody is left behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_first_start_prints_a_link_that_signs_in_and_a_stop_ends_everything() {
    let folder = folder();
    let mut server = serve(folder.path());
    let line = server.line();
    let link = line.trim().rsplit(' ').next().expect("a link").to_owned();
    assert!(
        link.starts_with(&format!("http://{}/sign-in?token=", server.address)),
        "{line}"
    );
    server.assert_ready();
    let path = link.split_once(&server.address).expect("an address").1;
    let answer = server.get(path).to_ascii_lowercase();
    assert!(
        answer.starts_with("http/1.1 303") && answer.contains("location: /setup"),
        "{answer}"
    );
    assert!(answer.contains("set-cookie: pitlane="), "{answer}");
    let engine = engine_pid(folder.path()).expect("an engine");
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_ends(engine, "the engine ended with its server");
}

#[test]
fn a_hangup_reads_the_log_level_again_and_ends_nothing() {
    let folder = folder();
    let (settings, log) = (folder.path().join("pitlane.toml"), folder.path().join("log"));
    std::fs::write(&settings, "log = \"error\"\n").expect("written");
    let file = std::fs::File::create(&log).expect("a file");
    let server = serve_with_log(folder.path(), file.into());
    let said_after = |text: &str, words: &str| {
        std::fs::write(&settings, text).expect("written");
        server.tell(rustix::process::Signal::HUP);
        let until = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&log).expect("a log").contains(words) {
            assert!(Instant::now() < until, "never said: {words}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    said_after("log = \"info\"\n", "What is logged was read again: info");
    said_after("lug = 1\n", "The settings were not read again.");
    server.assert_ready();
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn a_killed_server_leaves_the_engine_and_the_next_one_finds_it() {
    let folder = folder();
    let mut first = serve(folder.path());
    let engine = engine_pid(folder.path()).expect("an engine");
    first.process.kill().expect("killed");
    first.process.wait().expect("ended");
    assert!(is_running(engine), "the engine goes on");
    let second = serve(folder.path());
    assert_eq!(engine_pid(folder.path()), Some(engine));
    second.stop();
    assert_ends(engine, "a polite stop ends it");
}

#[test]
fn a_killed_engine_is_started_again_at_the_same_address() {
    let folder = folder();
    let server = serve(folder.path());
    let (engine, address) = (
        engine_pid(folder.path()).expect("an engine"),
        engine_address(folder.path()),
    );
    let pid = rustix::process::Pid::from_raw(i32::try_from(engine).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    let until = Instant::now() + PATIENCE;
    while engine_pid(folder.path()).is_none_or(|now| now == engine) {
        assert!(Instant::now() < until, "no new engine came");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(engine_address(folder.path()), address);
    server.stop();
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = folder();
    let first = serve(folder.path());
    let output = pitlane(folder.path())
        .args(["serve", "--addr", "127.0.0.1:0"])
        .output()
        .expect("started");
    assert_eq!(output.status.code(), Some(2));
    assert!(super::stderr(&output).contains("Another Pitlane serves the data folder"));
    let link = pitlane(folder.path())
        .args(["user", "link"])
        .output()
        .expect("started");
    assert!(
        stdout(&link).contains("/sign-in?token="),
        "beside a running server"
    );
    first.stop();
}

#[test]
fn a_second_server_on_the_same_sqlite_database_is_refused() {
    let (one, other) = (folder(), folder());
    let first = serve(one.path());
    let database = one.path().join("pitlane-data/pitlane.db");
    let output = pitlane(other.path())
        .args(["serve", "--addr", "127.0.0.1:0", "--warm", "0"])
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .output()
        .expect("started");
    assert_ne!(output.status.code(), Some(0));
    let said = super::stderr(&output);
    assert!(
        said.contains("Another server uses the database") && said.contains("SQLite is for one"),
        "{said}"
    );
    first.assert_ready();
    first.stop();
}

/// What a stop has to deal with: a stream that is followed, a request that stalls half-way, a
/// connection that says nothing.
#[test]
fn a_stop_ends_open_streams_politely_within_five_seconds() {
    let folder = folder();
    let mut server = serve(folder.path());
    let line = server.line();
    let link = line.trim().rsplit(' ').next().expect("a link").to_owned();
    let path = link.split_once(&server.address).expect("an address").1;
    let answer = server.get(path);
    let cookie = answer
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|cookie| cookie.split(';').next())
        .expect("a cookie")
        .to_owned();
    let connect = || TcpStream::connect(&server.address).expect("connected");
    let silent = connect();
    let mut half = connect();
    write!(
        half,
        "POST /sign-in HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\nna",
        server.address
    )
    .expect("sent");
    let mut stream = connect();
    write!(
        stream,
        "GET /api/events?runs= HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n",
        server.address
    )
    .expect("sent");
    let mut followed = BufReader::new(stream);
    let mut read = String::new();
    while !read.contains("connected") {
        assert_ne!(followed.read_line(&mut read).expect("a line"), 0, "{read}");
    }
    assert!(read.starts_with("HTTP/1.1 200"), "{read}");
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    followed.read_to_string(&mut read).expect("its end");
    assert!(
        read.contains("event: bye") && read.contains(r#""reason":"shutdown""#),
        "{read}"
    );
    // The last piece of a chunked answer: a polite end, not one that is cut off.
    assert!(read.ends_with("0\r\n\r\n"), "{read}");
    drop((silent, half));
}

fn record(folder: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read(folder.join("pitlane-data/engine/engine.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

fn engine_pid(folder: &Path) -> Option<u64> {
    record(folder)?.get("pid")?.as_u64()
}

fn engine_address(folder: &Path) -> Option<String> {
    Some(record(folder)?.get("addr")?.as_str()?.to_owned())
}

/// Whether a process runs; one that nobody waited for yet does not.
fn is_running(pid: u64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("State:") && !line.contains("zombie"))
}

/// It ends; the last of that may come after its server has ended.
fn assert_ends(pid: u64, words: &str) {
    let until = Instant::now() + PATIENCE;
    while is_running(pid) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_running(pid), "{words}");
}

#[test]
fn a_run_in_the_terminal_borrows_the_engine_of_the_server() {
    let folder = folder();
    let server = serve(folder.path());
    let engine = engine_pid(folder.path()).expect("an engine");
    std::fs::write(folder.path().join("hello.py"), "print('hello')\n").expect("written");
    let output = pitlane(folder.path())
        .args(["run", "hello.py"])
        .stdin(Stdio::null())
        .output()
        .expect("started");
    assert_eq!(stdout(&output), "hello\n", "{}", super::stderr(&output));
    assert!(is_running(engine), "it stays the server's");
    assert_eq!(engine_pid(folder.path()), Some(engine));
    let sandboxes = folder.path().join("pitlane-data/engine/homes");
    assert_eq!(
        std::fs::read_dir(sandboxes).expect("readable").count(),
        0,
        "its sandbox is gone"
    );
    server.stop();
}
