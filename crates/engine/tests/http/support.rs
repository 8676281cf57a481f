//! A real engine as a process of its own, on a data
//! directory of its own, ended with everything in it when the test ends.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses its own part of this"
)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use daytona::wire::Stream;
use daytona::{Client, Config, LogPiece, Toolbox};
use daytona::{CreateSandbox, Sandbox, SessionExecuteRequest};

pub const KEY: &str = "test-key";

pub struct Engine {
    process: Child,
    pub url: String,
    pub data: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Engine {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further settings.
    pub fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Self::start_in(folder.path().to_owned(), variables);
        engine._folder = Some(folder);
        engine
    }

    pub fn start_in(data: PathBuf, variables: &[(&str, &str)]) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .arg("engine")
            .env("ENGINE_KEY", KEY)
            .env("ENGINE_DATA", &data)
            .env(
                "ENGINE_LOG",
                std::env::var("ENGINE_LOG").unwrap_or_else(|_| "engine=warn".into()),
            )
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut engine = Self {
            process,
            url: String::new(),
            data,
            _folder: None,
        };
        let patience = Instant::now();
        let record = loop {
            if let Some(record) = ::engine::lock::read(&engine.data)
                && record.pid == engine.process.id()
            {
                break record;
            }
            assert!(
                patience.elapsed() < Duration::from_secs(20),
                "the engine does not start"
            );
            assert!(
                engine.process.try_wait().unwrap().is_none(),
                "the engine ended at its start"
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        engine.url = format!("http://{}", record.addr);
        engine
    }

    pub fn client(&self) -> Client {
        let mut config = Config::new(KEY);
        config.api_url = format!("{}/api", self.url);
        Client::new(config).unwrap()
    }

    /// An ephemeral sandbox and its toolbox.
    pub async fn sandbox(&self) -> (Sandbox, Toolbox) {
        let client = self.client();
        let sandbox = client.create(&ephemeral()).await.unwrap();
        let toolbox = client.toolbox(&sandbox).await.unwrap();
        (sandbox, toolbox)
    }

    /// A plain HTTP client that carries the key.
    pub fn http(&self) -> reqwest::Client {
        let bearer = reqwest::header::HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap();
        let headers = reqwest::header::HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, bearer)]);
        reqwest::Client::builder()
            .default_headers(headers)
            .build()
            .unwrap()
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to end in order and waits for it.
    pub fn end(&mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.process.wait().unwrap().success()
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.end();
        }
    }
}

pub fn ephemeral() -> CreateSandbox {
    CreateSandbox {
        auto_delete_interval: Some(0),
        ..CreateSandbox::default()
    }
}

/// A command in the background whose input is not echoed.
pub fn background(command: &str) -> SessionExecuteRequest {
    SessionExecuteRequest {
        command: command.to_owned(),
        run_async: Some(true),
        suppress_input_echo: Some(true),
    }
}

/// What a followed log came to.
#[derive(Debug, Default)]
pub struct Followed {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub missing: u64,
    pub end: u64,
}

/// Follows a command in the exact form to its end, and checks its offsets.
pub async fn follow(toolbox: &Toolbox, session: &str, command: &str, from: u64) -> Followed {
    let mut log = toolbox.follow_logs(session, command, from).await.unwrap();
    assert!(log.exact());
    let mut all = Followed {
        end: from,
        ..Followed::default()
    };
    while let Some(piece) = log.next().await {
        match piece.unwrap() {
            LogPiece::Output {
                offset,
                stream,
                bytes,
                ..
            } => {
                assert_eq!(offset, all.end);
                all.end += bytes.len() as u64;
                match stream {
                    Stream::Stdout => all.stdout.extend_from_slice(&bytes),
                    Stream::Stderr => all.stderr.extend_from_slice(&bytes),
                }
            }
            LogPiece::Gap { offset, missing, .. } => {
                assert_eq!(offset, all.end);
                all.end += missing;
                all.missing += missing;
            }
        }
    }
    all
}

/// Waits until something holds.
pub async fn eventually(what: &str, holds: impl AsyncFnMut() -> bool) {
    within(Duration::from_secs(30), what, holds).await;
}

/// The same, for what takes longer.
pub async fn within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let patience = Instant::now();
    while !holds().await {
        assert!(patience.elapsed() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The processes of this machine that were started with this word, as folders of `/proc`.
pub fn processes_with(word: &str) -> Vec<PathBuf> {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            process.file_name() != own.as_str()
                && std::fs::read(process.path().join("cmdline")).is_ok_and(|line| {
                    String::from_utf8_lossy(&line)
                        .split('\0')
                        .any(|argument| argument == word)
                })
        })
        .map(|process| process.path())
        .collect()
}

/// Whether any process of this machine was started with this word.
pub fn runs_somewhere(word: &str) -> bool {
    !processes_with(word).is_empty()
}
