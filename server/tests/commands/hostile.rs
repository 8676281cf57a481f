//! Clients that mean no good, all at once: the server's memory stays within
//! bounds, and others are served meanwhile.

use super::serve::{Server, serve};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// What the server may take more than before, in bytes: the bodies and files it holds at once for one
/// client (96 MiB), twice while they are worked on, and what 2,000 connections cost.
const BOUND: u64 = 400 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time");
        stream
    }

    /// The head of a request as this person.
    fn head(&self, method: &str, path: &str, cookie: &str, more: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nAccept: application/json\r\n{more}\r\n",
            self.address
        )
    }

    /// Asks, and reads the answer to its end.
    fn ask(&self, method: &str, path: &str, cookie: &str, kind: &str, body: &str) -> String {
        let more = format!(
            "Connection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
            body.len()
        );
        let mut stream = self.connect();
        let head = self.head(method, path, cookie, &more);
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(body.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// A number of `/proc/…/status`, in bytes.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("alive");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.expect("a number") * 1024
    }

    /// Signs in by the printed link; the cookie.
    fn sign_in(&mut self) -> String {
        let line = self.line();
        let path = line
            .trim()
            .split_once(&self.address)
            .expect("a link")
            .1
            .to_owned();
        let answer = self.get(&path);
        let cookie = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        cookie.expect("a cookie").to_owned()
    }
}

/// Writes until the other side has enough, or this much was sent.
fn pour(stream: &mut TcpStream, piece: &[u8], most: usize) {
    let mut sent = 0;
    while sent < most && stream.write_all(piece).is_ok() {
        sent += piece.len();
    }
}

#[test]
fn hostile_clients_take_no_more_than_their_share() {
    let folder = super::folder();
    raise_files();
    let mut server = serve(folder.path());
    let cookie = server.sign_in();
    let form = "application/x-www-form-urlencoded";
    let made = server.ask(
        "POST",
        "/fn/create_blank_agent",
        &cookie,
        form,
        "name=big&language=python",
    );
    let agent: serde_json::Value =
        serde_json::from_str(made.split_once("\r\n\r\n").expect("a body").1).expect(&made);
    let agent = agent["id"].as_str().expect("an id").to_owned();
    let file = format!("/api/agents/{agent}/files/big.bin");
    let big = "x".repeat(4_900_000);
    let saved = server.ask("PUT", &file, &cookie, "application/octet-stream", &big);
    assert!(saved.starts_with("HTTP/1.1 200"), "{saved}");
    // Room for what the first requests of each kind allocate for good.
    assert!(server.get("/sign-in").starts_with("HTTP/1.1 200"));
    let before = server.memory("VmRSS");

    let idle: Vec<_> = (0..2000).map(|_| server.connect()).collect();
    let fetch = |count: usize| -> Vec<TcpStream> {
        let head = server.head("GET", &file, &cookie, "");
        let streams = (0..count).map(|_| {
            let mut stream = server.connect();
            stream.write_all(head.as_bytes()).expect("sent");
            stream
        });
        streams.collect()
    };
    // Some answers that nobody reads, so that there is room for a body; after the bodies more than all of it.
    let unread = fetch(5);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stream = server.connect();
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n");
                pour(
                    &mut stream,
                    format!("x: {}\r\n", "y".repeat(4000)).as_bytes(),
                    100_000_000,
                );
            });
            scope.spawn(|| {
                let mut stream = server.connect();
                let head = server.head("PUT", &file, &cookie, "Transfer-Encoding: chunked\r\n");
                let _ = stream.write_all(head.as_bytes());
                let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                pour(&mut stream, piece.as_bytes(), 100_000_000);
            });
        }
        for _ in 0..10 {
            let began = Instant::now();
            assert!(server.get("/sign-in").starts_with("HTTP/1.1 200"));
            server.assert_ready();
            assert!(began.elapsed() < PATIENCE);
        }
    });
    let more = fetch(40);
    assert!(server.get("/sign-in").starts_with("HTTP/1.1 200"));
    let most = server.memory("VmHWM");
    assert!(
        most < before + BOUND,
        "{} MiB before, {} MiB at most",
        before >> 20,
        most >> 20
    );
    drop((idle, unread, more));
    let until = Instant::now() + PATIENCE;
    let signed_in = || server.ask("GET", "/api/session", &cookie, "text/plain", "");
    while !signed_in().starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until, "the share never came back");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.stop().0, Some(0));
}

/// The connections of this test are more than systems let a process open at first.
fn raise_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("raised");
}
