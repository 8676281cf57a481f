//! Webhooks of a real server, with real sandboxes: the programs of the
//! documentation as they are printed, in both directions.

use super::{folder, pitlane, serve::Server, stdout};
use model::{AgentSettings, FilePath, HookBody, HookId, Language, NewTarget, TargetId, TeamId, WebhookEvent};
use runs::KeyFile;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};
use store::Store;

const DOCUMENT: &str = include_str!("../../../docs/webhooks.md");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WITHIN: Duration = Duration::from_secs(60);
const PROGRAM: &[u8] = b"import os, sys\nfile = os.environ.get('WEBHOOK_FILE')\nbody = open(file).read() if file else sys.stdin.read()\nprint(os.environ['WEBHOOK_CONTENT_TYPE'], body)\n";

/// The programs of the document in a language.
fn programs(language: &str) -> Vec<&'static str> {
    let blocks = DOCUMENT.split("```").skip(1).step_by(2);
    let of = blocks.filter_map(|block| block.split_once('\n'));
    of.filter(|(kind, _)| *kind == language)
        .map(|(_, text)| text)
        .collect()
}

/// Python as Debian installs it, else the first on the path.
fn python() -> &'static str {
    let usual = "/usr/bin/python3";
    if Path::new(usual).exists() {
        usual
    } else {
        "python3"
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// Does something with the database and the key of a server.
fn with_store<T>(folder: &Path, what: impl AsyncFnOnce(&Store, &runs::Vault) -> T) -> T {
    let data = folder.join("pitlane-data");
    let vault = KeyFile::of(&data).open().expect("the key");
    block_on(async {
        let url = format!("sqlite://{}", data.join("pitlane.db").display());
        let store = Store::open(&url).await.expect("its database");
        let done = what(&store, &vault).await;
        store.close().await;
        done
    })
}

fn serving(folder: &Path) -> Server {
    super::serve::serve_with(folder, &[("PITLANE_WEBHOOK_ALLOW", "127.0.0.1")])
}

/// An agent that prints what it is sent, and the id of its webhook.
fn with_hook(folder: &Path) -> HookId {
    with_store(folder, async |store, vault| {
        let owner = store.users().await.expect("users").remove(0);
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let file = (FilePath::parse("agent.py").expect("a path"), PROGRAM.to_vec());
        let agent = store
            .create_agent(&TeamId::first(), &owner.id, &settings, &[file])
            .await
            .expect("an agent");
        let id = HookId::generate();
        let sealed = vault.seal(id.as_str(), SECRET).expect("sealed");
        store
            .create_hook(&agent.id, &owner.id, &id, &sealed)
            .await
            .expect("a webhook");
        id
    })
}

/// Runs a program of the document; what it printed.
fn send(server: &Server, hook: &HookId, program: &str, arguments: &[&str]) -> serde_json::Value {
    let output = Command::new(program)
        .args(arguments)
        .env("WEBHOOK_SECRET", SECRET)
        .env(
            "WEBHOOK_URL",
            format!("http://{}/api/hooks/{hook}", server.address),
        )
        .output()
        .expect("it runs");
    let said = stdout(&output);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said} {}", super::stderr(&output)))
}

/// What a run printed, once it has ended.
fn printed(server: &Server, folder: &Path, run: &str) -> String {
    let made = pitlane(folder)
        .args(["token", "create", "tests"])
        .output()
        .expect("started");
    let authorization = format!("Authorization: Bearer {}", stdout(&made).trim());
    let output = Command::new("curl")
        .args(["-sS", "-H", &authorization])
        .arg(format!("http://{}{run}/log?follow=true", server.address))
        .output()
        .expect("curl");
    stdout(&output)
}

#[test]
fn messages_of_the_document_start_runs() {
    let folder = folder();
    let server = serving(folder.path());
    let hook = with_hook(folder.path());
    let (shell, python_programs) = (programs("sh"), programs("python"));
    let accepted = send(&server, &hook, "bash", &["-c", shell[0]]);
    assert_eq!(accepted["state"], "queued", "{accepted}");
    let run = accepted["run"].as_str().expect("an address");
    assert_eq!(
        printed(&server, folder.path(), run),
        "application/json {\"ticket\": 7}\n"
    );
    with_store(folder.path(), async |store, _| {
        let agent = store
            .hook(&hook)
            .await
            .expect("looked")
            .expect("there")
            .hook
            .agent;
        store
            .update_hook(&agent, true, HookBody::File)
            .await
            .expect("changed");
    });
    let accepted = send(&server, &hook, python(), &["-c", python_programs[0]]);
    let run = accepted["run"].as_str().expect("an address");
    assert_eq!(
        printed(&server, folder.path(), run),
        "application/json {\"ticket\": 8}\n"
    );
    server.stop();
}

/// The receiver of the document, until dropped.
struct Receiver {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Receiver {
    fn start(port: u16) -> Self {
        let mut process = Command::new(python())
            .args(["-c", programs("python")[1]])
            .env("WEBHOOK_SECRET", SECRET)
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python");
        let lines = BufReader::new(process.stdout.take().expect("its output"));
        let until = Instant::now() + WITHIN;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the receiver does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { process, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody else is given as long as the socket is there: it is bound, and does not listen.
/// Who takes up addresses again, as the receiver does, can listen there beside it.
fn reserved_port() -> (tokio::net::TcpSocket, u16) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("set");
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any).expect("a port");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

#[test]
fn the_receiver_of_the_document_knows_what_is_genuine() {
    let folder = folder();
    let server = serving(folder.path());
    let hook = with_hook(folder.path());
    let (_reserved, port) = reserved_port();
    let mut receiver = Receiver::start(port);
    let told = |secret: &'static str| {
        with_store(folder.path(), async |store, vault| {
            let id = TargetId::generate();
            let said = NewTarget {
                url: format!("http://127.0.0.1:{port}/"),
                events: WebhookEvent::ALL.to_vec(),
            };
            let sealed = vault.seal(id.as_str(), secret).expect("sealed");
            let made = store.create_target(&TeamId::first(), &id, said, &sealed).await;
            made.expect("an address").id
        })
    };
    let target = told(SECRET);
    send(&server, &hook, "bash", &["-c", programs("sh")[0]]);
    let line = receiver.line();
    let body = line.strip_prefix("genuine ").unwrap_or_else(|| panic!("{line}"));
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["type"], "run.finished", "{body}");
    assert_eq!(body["data"]["trigger"]["kind"], "webhook", "{body}");
    with_store(folder.path(), async |store, _| {
        store
            .delete_target(&TeamId::first(), &target)
            .await
            .expect("deleted");
    });
    told("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    send(&server, &hook, "bash", &["-c", programs("sh")[0]]);
    let line = receiver.line();
    assert!(line.starts_with("forged "), "{line}");
    server.stop();
}
