//! The SSH gateway: shells, commands and ports of a sandbox for who has a
//! ticket, with a client library and with OpenSSH's own.

use libtest_mimic::Trial;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use daytona::{CreateSandbox, Sandbox, SshAccess, SshAccessValidation};
use russh::client::{self, AuthResult};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ports::serve;
use crate::support::{Engine, eventually, runs_somewhere};

pub fn trials() -> Vec<Trial> {
    let mut trials = trials![
        a_ticket_opens_a_shell_in_a_terminal,
        a_command_has_its_streams_and_code,
        ports_are_forwarded,
        tickets_end,
        without_a_gateway_it_is_said,
        the_gateway_keeps_its_key,
        a_client_that_leaves_hangs_up,
    ];
    let own = Trial::test("http::ssh::openssh_is_served", || {
        tokio::runtime::Runtime::new()?.block_on(openssh_is_served());
        Ok(())
    });
    trials.push(own.with_ignored_flag(!Path::new("/usr/bin/ssh").exists()));
    trials
}

fn start() -> Engine {
    Engine::start_with(&[("ENGINE_SSH", "127.0.0.1:0")])
}

async fn access(engine: &Engine, sandbox: &Sandbox, query: &str) -> SshAccess {
    let url = format!("{}/api/sandbox/{}/ssh-access{query}", engine.url, sandbox.id);
    let answer = engine.http().post(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// The port in `ssh -p PORT token@host`.
fn port(access: &SshAccess) -> u16 {
    let words: Vec<&str> = access.ssh_command.split(' ').collect();
    assert_eq!((words[0], words[1]), ("ssh", "-p"));
    assert_eq!(words[3], format!("{}@127.0.0.1", access.token));
    words[2].parse().unwrap()
}

/// A client that takes any host key, and keeps it.
#[derive(Clone, Default)]
struct Client {
    key: Arc<std::sync::Mutex<Option<PublicKey>>>,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        *self.key.lock().unwrap() = Some(key.clone());
        Ok(true)
    }
}

async fn connect(port: u16) -> (client::Handle<Client>, Client) {
    let client = Client::default();
    let connected = client::connect(Arc::default(), ("127.0.0.1", port), client.clone()).await;
    (connected.unwrap(), client)
}

async fn enter(access: &SshAccess) -> client::Handle<Client> {
    let (mut session, _) = connect(port(access)).await;
    let result = session.authenticate_none(&access.token).await.unwrap();
    assert!(matches!(result, AuthResult::Success), "{result:?}");
    session
}

/// What a channel came to.
#[derive(Debug, Default)]
struct Heard {
    out: String,
    err: String,
    code: Option<u32>,
    closed: bool,
}

impl Heard {
    async fn hear(&mut self, channel: &mut russh::Channel<client::Msg>) {
        let message = tokio::time::timeout(Duration::from_secs(30), channel.wait()).await;
        match message.unwrap_or_else(|_| panic!("nothing more comes after {self:?}")) {
            Some(ChannelMsg::Data { data }) => self.out.push_str(&String::from_utf8_lossy(&data)),
            Some(ChannelMsg::ExtendedData { data, .. }) => self.err.push_str(&String::from_utf8_lossy(&data)),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.code = Some(exit_status),
            None => self.closed = true,
            Some(_) => {}
        }
    }

    async fn until(&mut self, channel: &mut russh::Channel<client::Msg>, part: &str) {
        while !self.out.contains(part) {
            assert!(!self.closed, "no {part:?} in {self:?}");
            self.hear(channel).await;
        }
    }

    async fn to_the_end(channel: &mut russh::Channel<client::Msg>) -> Self {
        let mut heard = Self::default();
        while !heard.closed {
            heard.hear(channel).await;
        }
        heard
    }
}

async fn a_ticket_opens_a_shell_in_a_terminal() {
    let engine = start();
    let (sandbox, _) = engine.sandbox().await;
    let access = access(&engine, &sandbox, "?expiresInMinutes=10").await;
    assert_eq!(access.sandbox_id, sandbox.id);
    assert!(access.expires_at > access.created_at);
    let session = enter(&access).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .request_pty(true, "vt220", 91, 33, 0, 0, &[])
        .await
        .unwrap();
    channel.set_env(true, "LC_MINE", "kept").await.unwrap();
    channel.request_shell(true).await.unwrap();
    let mut heard = Heard::default();
    let typed = "stty size; tty; echo $TERM $LC_MINE; shopt login_shell; pwd\n";
    channel.data(typed.as_bytes()).await.unwrap();
    heard
        .until(
            &mut channel,
            "33 91\r\n/dev/pts/0\r\nvt220 kept\r\nlogin_shell    \ton\r\n/home/daytona\r\n",
        )
        .await;
    channel.window_change(100, 20, 0, 0).await.unwrap();
    channel.data(&b"stty size\n"[..]).await.unwrap();
    heard.until(&mut channel, "20 100").await;
    let mark = format!("4245.{}", std::process::id());
    channel.data(format!("sleep {mark}\n").as_bytes()).await.unwrap();
    eventually("it runs", async || runs_somewhere(&mark)).await;
    channel.data(&b"\x03"[..]).await.unwrap();
    eventually("it is interrupted", async || !runs_somewhere(&mark)).await;
    channel.data(&b"echo la's't; exit 7\n"[..]).await.unwrap();
    while !heard.closed {
        heard.hear(&mut channel).await;
    }
    assert!(heard.out.contains("last"));
    assert_eq!(heard.code, Some(7));
}

async fn a_command_has_its_streams_and_code() {
    let engine = start();
    let (sandbox, _) = engine.sandbox().await;
    let session = enter(&access(&engine, &sandbox, "").await).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel.exec(true, "cat; echo err >&2; exit 3").await.unwrap();
    channel.data(&b"given\0\xff\n"[..]).await.unwrap();
    channel.eof().await.unwrap();
    let heard = Heard::to_the_end(&mut channel).await;
    assert_eq!(
        (heard.out.as_str(), heard.err.as_str()),
        ("given\0\u{fffd}\n", "err\n")
    );
    assert_eq!(heard.code, Some(3));

    // Two at the same time over one connection; much output to the last byte.
    let mut first = session.channel_open_session().await.unwrap();
    let mut second = session.channel_open_session().await.unwrap();
    first.exec(true, "seq 1 200000").await.unwrap();
    second
        .exec(true, "sleep 60 & echo here; kill -TERM $$")
        .await
        .unwrap();
    let (first, second) = tokio::join!(Heard::to_the_end(&mut first), Heard::to_the_end(&mut second));
    assert!(first.out.ends_with("\n200000\n"));
    assert_eq!((first.out.lines().count(), first.code), (200_000, Some(0)));
    assert_eq!((second.out.as_str(), second.code), ("here\n", Some(143)));

    let mut channel = session.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "unknown").await.unwrap();
    assert!(matches!(channel.wait().await, Some(ChannelMsg::Failure)));
}

async fn ports_are_forwarded() {
    let engine = start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let session = enter(&access(&engine, &sandbox, "").await).await;
    let channel = session
        .channel_open_direct_tcpip("localhost", 3000, "127.0.0.1", 1)
        .await
        .unwrap();
    let mut stream = channel.into_stream();
    let request = b"GET /through HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("/through"),
        "{answer}"
    );
    // Neither another port nor another host, and never the host's own.
    let own: u32 = engine.url.rsplit(':').next().unwrap().parse().unwrap();
    for (host, port) in [
        ("localhost", 3001),
        ("example.com", 80),
        ("169.254.169.254", 80),
        ("127.0.0.1", own),
    ] {
        let refused = session
            .channel_open_direct_tcpip(host, port, "127.0.0.1", 1)
            .await;
        assert!(refused.is_err(), "{host}:{port}");
    }
    assert!(session.tcpip_forward("0.0.0.0", 4000).await.is_err());
}

async fn tickets_end() {
    let engine = start();
    let (sandbox, _) = engine.sandbox().await;
    let first = access(&engine, &sandbox, "").await;
    let validate = async |token: &str| -> SshAccessValidation {
        let url = format!("{}/api/sandbox/ssh-access/validate?token={token}", engine.url);
        engine.http().get(url).send().await.unwrap().json().await.unwrap()
    };
    let known = validate(&first.token).await;
    assert_eq!(
        (known.valid, known.sandbox_id.as_str()),
        (true, sandbox.id.as_str())
    );
    let lets_in = async |token: &str| {
        let (mut session, _) = connect(port(&first)).await;
        matches!(
            session.authenticate_none(token).await.unwrap(),
            AuthResult::Success
        )
    };
    assert!(lets_in(&first.token).await);
    // A new one ends the one before.
    let second = access(&engine, &sandbox, "").await;
    assert!(!lets_in(&first.token).await);
    assert!(!validate(&first.token).await.valid);
    let (mut by_password, _) = connect(port(&second)).await;
    let result = by_password
        .authenticate_password(&second.token, "anything")
        .await
        .unwrap();
    assert!(matches!(result, AuthResult::Success));
    for wrong in ["", "root", "daytona", &second.token[1..], crate::support::KEY] {
        assert!(!lets_in(wrong).await, "{wrong:?}");
    }
    // A ticket of another kind is none.
    let url = format!(
        "{}/api/sandbox/{}/ports/22/signed-preview-url",
        engine.url, sandbox.id
    );
    let preview: Value = engine.http().get(url).send().await.unwrap().json().await.unwrap();
    assert!(!lets_in(preview["token"].as_str().unwrap()).await);

    let url = format!("{}/api/sandbox/{}/ssh-access", engine.url, sandbox.id);
    for (query, ends) in [
        ("?token=other", false),
        (&*format!("?token={}", second.token), true),
    ] {
        let answer = engine
            .http()
            .delete(format!("{url}{query}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Sandbox>().await.unwrap().id, sandbox.id);
        assert_eq!(validate(&second.token).await.valid, !ends, "{query}");
    }
    for minutes in ["0", "43201", "x"] {
        let answer = engine
            .http()
            .post(format!("{url}?expiresInMinutes={minutes}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{minutes}");
    }
}

async fn without_a_gateway_it_is_said() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let url = format!("{}/api/sandbox/{}/ssh-access", engine.url, sandbox.id);
    let answer = engine.http().post(url).send().await.unwrap();
    assert_eq!(answer.status(), 501);
    let told: Value = answer.json().await.unwrap();
    assert!(
        told["message"].as_str().unwrap().contains("PITLANE_SSH_ADDR"),
        "{told}"
    );
}

async fn the_gateway_keeps_its_key() {
    let mut engine = start();
    let sandbox = engine.client().create(&CreateSandbox::default()).await.unwrap();
    let before = access(&engine, &sandbox, "").await;
    let key = |client: Client| client.key.lock().unwrap().clone().unwrap();
    let (_session, client) = connect(port(&before)).await;
    let first = key(client);
    assert!(engine.end());
    let again = Engine::start_in(engine.data.clone(), &[("ENGINE_SSH", "127.0.0.1:0")]);
    let after = access(&again, &sandbox, "").await;
    let (mut session, client) = connect(port(&after)).await;
    assert_eq!(key(client), first);
    // Into a sandbox that does not run there is no way.
    let result = session.authenticate_none(&after.token).await.unwrap();
    assert!(matches!(result, AuthResult::Success));
    assert!(session.channel_open_session().await.is_err());
    again.client().delete(&sandbox.id).await.unwrap();
}

async fn a_client_that_leaves_hangs_up() {
    let engine = start();
    let (sandbox, _) = engine.sandbox().await;
    let access = access(&engine, &sandbox, "").await;
    let mark = |number: u32| format!("{number}.{}", std::process::id());
    let (in_terminal, with_pipes) = (mark(42461), mark(42462));
    let session = enter(&access).await;
    let first = session.channel_open_session().await.unwrap();
    first.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.unwrap();
    first.request_shell(true).await.unwrap();
    first
        .data(format!("sleep {in_terminal}\n").as_bytes())
        .await
        .unwrap();
    let second = session.channel_open_session().await.unwrap();
    second.exec(true, format!("sleep {with_pipes}")).await.unwrap();
    eventually("both run", async || {
        runs_somewhere(&in_terminal) && runs_somewhere(&with_pipes)
    })
    .await;
    session
        .disconnect(Disconnect::ByApplication, "", "")
        .await
        .unwrap();
    drop(session);
    eventually("both ended", async || {
        !runs_somewhere(&in_terminal) && !runs_somewhere(&with_pipes)
    })
    .await;
    // A sandbox that ends closes what is open.
    let session = enter(&access).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel.exec(true, "echo up; sleep 60").await.unwrap();
    let mut heard = Heard::default();
    heard.until(&mut channel, "up").await;
    engine.client().delete(&sandbox.id).await.unwrap();
    while !heard.closed {
        heard.hear(&mut channel).await;
    }
    assert_eq!(heard.code, Some(137));
}

async fn openssh_is_served() {
    let engine = start();
    let (sandbox, _) = engine.sandbox().await;
    let access = access(&engine, &sandbox, "").await;
    let run = async |terminal: &str, command: &str| {
        let output = tokio::process::Command::new("/usr/bin/ssh")
            .args([
                "-F",
                "none",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .args(["-o", "LogLevel=ERROR", terminal, "-p", &port(&access).to_string()])
            .arg(format!("{}@127.0.0.1", access.token))
            .arg(command)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(20), output)
            .await
            .unwrap()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, out, err) = run("-T", "echo out; echo err >&2; whoami; exit 5").await;
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (Some(5), "out\ndaytona\n", "err\n")
    );
    let (code, out, _) = run("-tt", "tty; exit 6").await;
    assert_eq!((code, out.as_str()), (Some(6), "/dev/pts/0\r\n"));
}
