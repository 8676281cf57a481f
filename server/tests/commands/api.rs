//! The API of a real server, with real sandboxes: every line of its
//! documentation as it is printed, conversations, and callers who go away.

use super::{folder, pitlane, serve::Server, serve::serve, stdout};
use futures::{SinkExt as _, StreamExt as _};
use model::{AgentSettings, FilePath, Language};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use store::Store;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

const DOCUMENT: &str = include_str!("../../../docs/api.md");
const WITHIN: Duration = Duration::from_secs(60);

/// A server with the agent of the document, and a token.
pub fn with_scout(folder: &Path) -> (Server, String) {
    let server = serve(folder);
    block_on(async {
        let url = format!("sqlite://{}", folder.join("pitlane-data/pitlane.db").display());
        let store = Store::open(&url).await.expect("its database");
        let owner = store.users().await.expect("users").remove(0);
        let file = (
            FilePath::parse("agent.py").expect("a path"),
            b"print(\"Hello from Scout\")\n".to_vec(),
        );
        let settings = AgentSettings::new("Scout", "", Language::Python);
        store
            .create_agent(&model::TeamId::first(), &owner.id, &settings, &[file])
            .await
            .expect("an agent");
        store.close().await;
    });
    let made = pitlane(folder)
        .args(["token", "create", "tests"])
        .output()
        .expect("started");
    let token = stdout(&made).trim_end_matches('\n').to_owned();
    assert!(
        token.starts_with("plt_") && token.len() == 54,
        "the token alone: {token}"
    );
    (server, token)
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// One request; the status, the head and the body.
pub fn ask(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(&server.address).expect("connected");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        server.address,
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head[9..12].parse().expect("a status");
    let head = head.to_ascii_lowercase();
    let body = if head.contains("transfer-encoding: chunked") {
        crate::chunked::joined(body.as_bytes())
    } else {
        body.to_owned()
    };
    (status, head, body)
}

pub fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn execute(server: &Server, token: &str, options: &Value) -> (u16, Value) {
    let path = "/api/agents/scout/execute";
    let (status, _, body) = ask(server, token, "POST", path, "", &options.to_string());
    (status, json_of(&body))
}

/// How many sandboxes the engine has: each keeps its output there.
pub fn sandboxes(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("pitlane-data/engine/spool")).map_or(0, Iterator::count)
}

pub fn wait_until(words: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < until, "{words}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn assert_no_sandbox_is_left(folder: &Path) {
    wait_until("a sandbox is left", || sandboxes(folder) == 0);
}

/// The commands of the document, each with what is printed below it.
fn commands() -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for (index, part) in DOCUMENT
        .split("```")
        .enumerate()
        .filter(|(index, _)| index % 2 == 1)
    {
        let (kind, text) = part
            .split_once('\n')
            .unwrap_or_else(|| panic!("block {index} is empty"));
        match (kind, commands.last_mut()) {
            ("sh", _) => commands.push((text.to_owned(), String::new())),
            ("json" | "text", Some((_, printed))) => printed.push_str(text.trim_end()),
            other => panic!("a block of another kind: {other:?}"),
        }
    }
    commands
}

/// Whether `said` is what is printed, where an ellipsis stands for anything.
fn is_as_printed(printed: &str, said: &str) -> bool {
    let parts: Vec<_> = printed.split('\u{2026}').collect();
    let [first, between @ .., last] = parts.as_slice() else {
        return printed == said;
    };
    let Some(mut rest) = said.strip_prefix(first) else {
        return false;
    };
    for part in between {
        let Some(place) = rest.find(part) else {
            return false;
        };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_an_ellipsis_stands_for() {
    assert!(
        is_as_printed("a\u{2026}c", "abc") && is_as_printed("a", "a") && is_as_printed("a\u{2026}", "abc")
    );
    for wrong in ["xabc", "ab", "abcd"] {
        assert!(!is_as_printed("a\u{2026}c", wrong), "{wrong}");
    }
}

#[test]
fn every_line_of_the_document_works_as_it_is_printed() {
    let folder = folder();
    let (server, _) = with_scout(folder.path());
    let commands = commands();
    assert!(commands.len() >= 10, "{}", commands.len());
    let mut script = String::from("set -euo pipefail\n");
    for (command, _) in &commands {
        script.push_str(command);
        script.push_str("\nprintf '\\n@@@\\n'\n");
    }
    let script = script.replace("127.0.0.1:3000", &server.address);
    let binaries = Path::new(env!("CARGO_BIN_EXE_pitlane"))
        .parent()
        .expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:{path}", binaries.display()))
        .env("HOME", folder.path())
        .output()
        .expect("bash and curl");
    let said = stdout(&output);
    let said: Vec<_> = said.split("\n@@@\n").collect();
    for (index, (command, printed)) in commands.iter().enumerate() {
        let said = said
            .get(index)
            .map_or("(it did not come to this)", |said| said.trim_end());
        assert!(
            is_as_printed(printed, said),
            "{command}\nis to print\n{printed}\nand printed\n{said}\n{}",
            super::stderr(&output)
        );
    }
    assert!(output.status.success(), "{}", super::stderr(&output));
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}

#[test]
fn files_languages_bytes_and_tokens_of_one_run() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    let files = json!([
        {"path": "main.ts", "content": "import { word } from './lib/word.ts';\nconsole.log(word, process.argv[2]);\n"},
        {"path": "lib/word.ts", "content": "export const word: string = 'of TypeScript';\n"},
    ]);
    let options = json!({"files": files, "language": "typescript", "args": ["a b"]});
    let (status, answer) = execute(&server, &token, &options);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["output"], "of TypeScript a b\n", "{answer}");
    // A token that a run is given never reaches its log.
    let code = "import os, sys\nprint('is', os.environ['T'])\nsys.stdout.buffer.write(b'\\xff\\n')\n";
    let (_, answer) = execute(&server, &token, &json!({"code": code, "env": {"T": token}}));
    assert_eq!(answer["output"], "is ***\n\u{fffd}\n", "{answer}");
    // What came instead is not saved.
    let (_, answer) = execute(&server, &token, &json!({}));
    assert_eq!(answer["output"], "Hello from Scout\n", "{answer}");
    let (_, answer) = execute(
        &server,
        &token,
        &json!({"code": "import time\ntime.sleep(60)", "timeout": 1}),
    );
    assert_eq!(
        (&answer["state"], &answer["success"]),
        (&json!("timed_out"), &json!(false)),
        "{answer}"
    );
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}

#[test]
fn what_is_refused_is_told_and_starts_nothing() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    for (options, status) in [
        ("[1]", 422),
        (r#"{"env":{"A B":""}}"#, 422),
        (r#"{"timeout":0}"#, 422),
        (r#"{"timeout":90000}"#, 422),
        (r#"{"files":[]}"#, 422),
        (r#"{"files":[{"path":"/etc/x","content":""}]}"#, 422),
        (r#"{"args":["\u0000"]}"#, 422),
    ] {
        let (said, head, body) = ask(&server, &token, "POST", "/api/agents/scout/execute", "", options);
        assert_eq!(said, status, "{options}: {body}");
        assert!(head.contains("application/problem+json"), "{head}");
    }
    let path = "/api/agents/scout/execute";
    let (status, head, _) = ask(&server, "plt_x", "POST", path, "", "");
    assert!(
        status == 401 && head.contains("www-authenticate: bearer"),
        "{head}"
    );
    let reader = pitlane(folder.path())
        .args(["token", "create", "reader", "--scope", "read"])
        .output()
        .expect("started");
    let (status, _, body) = ask(&server, stdout(&reader).trim(), "POST", path, "", "");
    assert_eq!((status, &json_of(&body)["code"]), (403, &json!("forbidden")));
    // Nobody has started anything.
    assert_no_sandbox_is_left(folder.path());

    let wait = json!({"code": "input()\n"}).to_string();
    let no_wait = "Prefer: respond-async\r\nIdempotency-Key: k\r\n";
    let (status, head, _) = ask(&server, &token, "POST", path, no_wait, &wait);
    assert!(status == 202 && head.contains("location: /api/runs/"), "{head}");
    let (status, _, body) = ask(&server, &token, "POST", path, "Idempotency-Key: k\r\n", "{}");
    assert!(status == 422 && body.contains("Idempotency-Key"), "{body}");
    let (status, _, body) = ask(&server, &token, "POST", path, "Idempotency-Key: k\r\n", &wait);
    let answer = json_of(&body);
    assert_eq!(
        (status, &answer["state"]),
        (200, &json!("failed")),
        "the end of its input: {answer}"
    );
    server.stop();
}

#[test]
fn who_goes_away_leaves_nothing_running() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    let body = json!({"code": "import time\nprint('on', flush=True)\ntime.sleep(600)\n"}).to_string();
    let mut stream = TcpStream::connect(&server.address).expect("connected");
    write!(
        stream,
        "POST /api/agents/scout/execute HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    )
    .expect("sent");
    wait_until("no sandbox came", || sandboxes(folder.path()) > 0);
    drop(stream);
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}

#[test]
fn several_callers_run_one_agent_at_once() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    // Each waits until all the others have begun: one after the other they would never end.
    let code = "import sys\nprint('on', flush=True)\nsys.stdin.read()\n";
    let path = "/api/agents/scout/execute";
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let body = json!({"code": code, "timeout": 60}).to_string();
            let (status, head, body) = ask(&server, &token, "POST", path, "Prefer: respond-async\r\n", &body);
            assert_eq!(status, 202, "{body}");
            let place = head.find("location: ").expect("an address") + "location: ".len();
            head[place..].lines().next().expect("an address").to_owned()
        })
        .collect();
    for run in &runs {
        let (status, _, log) = ask(&server, &token, "GET", &format!("{run}/log?follow=true"), "", "");
        assert_eq!((status, log.contains("on")), (200, true), "{log}");
        let (_, _, body) = ask(&server, &token, "GET", run, "", "");
        assert_eq!(json_of(&body)["state"], "succeeded", "{body}");
    }
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}

#[test]
fn the_operators_limits_are_told() {
    let folder = folder();
    std::fs::write(
        folder.path().join("pitlane.toml"),
        "max_timeout = 60\nconcurrency = 1\nwaiting_runs = 0\nstarts_per_minute = 5\n",
    )
    .expect("written");
    let (server, token) = with_scout(folder.path());
    let path = "/api/agents/scout/execute";
    let refused = |headers: &str, body: &str, status: u16, words: &str| {
        let (said, head, body) = ask(&server, &token, "POST", path, headers, body);
        assert!(said == status && body.contains(words), "{said}: {body}");
        assert!(head.contains("application/problem+json"), "{head}");
        head
    };
    refused("", r#"{"timeout":61}"#, 422, "1 to 60 seconds");
    let beside = r#"{"files":[{"path":"a","content":""},{"path":"a/b","content":""}]}"#;
    refused("", beside, 409, "a/b");
    let no_wait = "Prefer: respond-async\r\n";
    // The agent's own 300 s are cut to what is allowed.
    let (status, head, body) = ask(
        &server,
        &token,
        "POST",
        path,
        no_wait,
        r#"{"code":"import time\ntime.sleep(50)"}"#,
    );
    assert!(
        status == 202 && head.contains("ratelimit: \"starts\";r=2"),
        "{head}{body}"
    );
    let head = refused(no_wait, "", 503, "no more can");
    assert!(head.contains("retry-after: "), "{head}");
    refused("", "x", 422, "cannot be read");
    let head = refused("", "", 429, "in a minute");
    assert!(head.contains("retry-after: "), "{head}");
    server.stop();
}

pub type Socket = WebSocketStream<tokio::net::TcpStream>;

async fn converse(server: &Server, token: &str) -> Socket {
    converse_at(server, token, "/api/agents/scout/ws").await
}

/// A conversation at this address.
pub async fn converse_at(server: &Server, token: &str, path: &str) -> Socket {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let url = format!("ws://{}{path}", server.address);
    let mut request = url.into_client_request().expect("a request");
    let header = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert("authorization", header);
    let stream = tokio::net::TcpStream::connect(&server.address)
        .await
        .expect("connected");
    client_async(request, stream).await.expect("a conversation").0
}

pub async fn say(socket: &mut Socket, message: Value) {
    let message = Message::Text(message.to_string().into());
    socket.send(message).await.expect("sent");
}

/// What is said up to the first message that is looked for, that one included.
pub async fn hear_until(socket: &mut Socket, mut is_it: impl FnMut(&Value) -> bool) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let next = tokio::time::timeout(WITHIN, socket.next()).await;
        match next.unwrap_or_else(|_| panic!("only this was said: {heard:?}")) {
            Some(Ok(Message::Text(text))) => {
                heard.push(json_of(text.as_str()));
                if heard.last().is_some_and(&mut is_it) {
                    return heard;
                }
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?} after {heard:?}"),
        }
    }
}

fn is_complete(message: &Value) -> bool {
    message["type"] == "execution_complete"
}

pub fn content(heard: &[Value], stream: &str) -> String {
    let logs = heard
        .iter()
        .filter(|said| said["type"] == "log" && said["stream"] == stream);
    logs.filter_map(|said| said["content"].as_str()).collect()
}

#[test]
fn a_conversation_with_a_program() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    block_on(async {
        let mut socket = converse(&server, &token).await;
        let code = "import sys\nprint('name? \u{1f680}', flush=True)\nname = input()\nprint('hi', name, file=sys.stderr)\nsys.exit(3)\n";
        say(&mut socket, json!({"code": code})).await;
        let mut heard = hear_until(&mut socket, |said| said["type"] == "log").await;
        say(&mut socket, json!({"type": "stdin", "content": "Ada\n"})).await;
        heard.extend(hear_until(&mut socket, is_complete).await);
        assert_eq!(content(&heard, "stdout"), "name? \u{1f680}\n", "{heard:?}");
        assert_eq!(content(&heard, "stderr"), "hi Ada\n", "{heard:?}");
        let end = heard.last().expect("an end");
        assert_eq!(
            (&end["exit_code"], &end["result"]["state"]),
            (&json!(3), &json!("failed"))
        );
        let states: Vec<_> = heard.iter().filter(|said| said["type"] == "status").collect();
        assert!(
            states
                .iter()
                .any(|said| said["state"] == "running" && said["phase"] == "run")
        );
        assert!(
            matches!(socket.next().await, Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 1000)
        );

        // A stop, in the place of the options.
        let mut socket = converse(&server, &token).await;
        say(
            &mut socket,
            json!({"code": "import time\nprint('on', flush=True)\ntime.sleep(600)\n"}),
        )
        .await;
        hear_until(&mut socket, |said| said["type"] == "log").await;
        say(&mut socket, json!({"type": "dance"})).await;
        hear_until(&mut socket, |said| {
            said["type"] == "error" && said["problem"]["status"] == 422
        })
        .await;
        say(&mut socket, json!({"type": "stop"})).await;
        let heard = hear_until(&mut socket, is_complete).await;
        assert_eq!(heard.last().expect("an end")["result"]["state"], "stopped");

        // Options that cannot be; and nothing at all, which runs the agent.
        let mut socket = converse(&server, &token).await;
        say(&mut socket, json!({"cod": ""})).await;
        hear_until(&mut socket, |said| {
            said["type"] == "error" && said["problem"]["status"] == 422
        })
        .await;
        assert!(
            matches!(socket.next().await, Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 1008)
        );
        let mut socket = converse(&server, &token).await;
        let heard = hear_until(&mut socket, is_complete).await;
        assert_eq!(content(&heard, "stdout"), "Hello from Scout\n");

        // Gone without a word.
        let mut socket = converse(&server, &token).await;
        say(
            &mut socket,
            json!({"code": "import time\nprint('on', flush=True)\ntime.sleep(600)\n"}),
        )
        .await;
        hear_until(&mut socket, |said| said["type"] == "log").await;
        drop(socket);
    });
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}
