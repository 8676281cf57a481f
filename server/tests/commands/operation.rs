//! What the programs of an operator read: logs, figures, and what doctor says.

use super::{
    folder, pitlane,
    serve::{serve_as, try_serve_as},
    stderr, stdout,
};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: any.name.example\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn every_line_of_the_log_is_an_object_when_that_is_wanted() {
    let folder = folder();
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).expect("a file");
    let server = serve_as(folder.path(), |command| {
        command
            .env("PITLANE_LOG_FORMAT", "json")
            .env("PITLANE_LOG", "debug")
            .env("PITLANE_NO_SUCH_THING", "x")
            .stderr(file);
    });
    server.assert_ready();
    server.stop();
    let text = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let warned = lines.iter().find(|line| {
        line["message"]
            .as_str()
            .is_some_and(|words| words.contains("PITLANE_NO_SUCH_THING"))
    });
    let warned = warned.expect("the warning");
    assert_eq!(warned["level"], "WARN");
    assert!(warned["timestamp"].is_string() && warned["target"].is_string());
    // The engine, a process of its own, writes to the same place.
    let of_the_engine = lines.iter().any(|line| {
        line["target"]
            .as_str()
            .is_some_and(|target| target.starts_with("engine"))
    });
    assert!(of_the_engine, "{text}");
    let refused = pitlane(folder.path())
        .arg("doctor")
        .env("PITLANE_LOG_FORMAT", "xml")
        .output()
        .expect("started");
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("text or json is needed"));
}

#[test]
fn the_figures_have_an_address_of_their_own() {
    let folder = folder();
    // A port that is free now may be another's a moment later; then the next one is tried.
    let started = (0..5).find_map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let free = listener.local_addr().expect("an address");
        drop(listener);
        let server = try_serve_as(folder.path(), |command| {
            command.env("PITLANE_METRICS_ADDR", free.to_string());
        });
        Some((server.ok()?, free))
    });
    let (server, free) = started.expect("started");
    let figures = server.get("/metrics");
    assert!(
        figures.starts_with("HTTP/1.1 200"),
        "from this machine: {figures}"
    );
    let address = free.to_string();
    // By any name: those who scrape know it by another than people do.
    let figures = get(&address, "/metrics");
    assert!(figures.contains("\npitlane_queue_places 16\n"), "{figures}");
    let until = Instant::now() + Duration::from_secs(30);
    while !get(&address, "/metrics").contains("\npitlane_provider_up 1\n") {
        assert!(Instant::now() < until, "{}", get(&address, "/metrics"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let ready = get(&address, "/readyz");
    assert!(ready.contains(r#""provider":{"status":"ok"}"#), "{ready}");
    assert!(get(&address, "/sign-in").starts_with("HTTP/1.1 404"));
    server.stop();
}

#[test]
fn doctor_says_it_as_an_object() {
    let folder = folder();
    let text = pitlane(folder.path()).arg("doctor").output().expect("started");
    let output = pitlane(folder.path())
        .args(["doctor", "--json"])
        .output()
        .expect("started");
    assert_eq!(output.status.code(), text.status.code());
    let said: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(said["ok"], output.status.success());
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    let findings = said["findings"].as_array().expect("a list");
    let names: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["name"].as_str())
        .collect();
    for name in [
        "data",
        "database",
        "isolation",
        "network",
        "python",
        "nodejs",
        "engine",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    for finding in findings {
        assert!(["ok", "note", "fail"].contains(&finding["status"].as_str().expect("a word")));
        // The same sentences as people read.
        for sentence in finding["sentences"].as_array().expect("a list") {
            let sentence = sentence.as_str().expect("text");
            assert!(stdout(&text).contains(sentence), "{sentence}");
        }
    }
    assert!(
        !folder.path().join("pitlane-data").exists(),
        "a look leaves nothing"
    );
    std::fs::write(folder.path().join("pitlane-data"), "in the way").expect("written");
    let failing = pitlane(folder.path())
        .args(["doctor", "--json"])
        .output()
        .expect("started");
    assert_eq!(failing.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_str(&stdout(&failing)).expect("JSON");
    assert_eq!(said["ok"], false);
}
