//! The Python process of one context.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::registry::Live;
use crate::sandbox::{Exit, Process, PythonWorker, SandboxError};
use crate::toolbox::python::{self, Order, Words};

/// The most bytes a worker says at once; it cuts its texts to less.
const LONGEST_WORD: usize = 256 << 10;
/// How long it may take to become one.
const PATIENCE: Duration = Duration::from_secs(15);

/// A piece of code, as the worker takes it.
#[derive(Debug, Serialize)]
pub(super) struct Cell<'a> {
    pub code: &'a str,
    pub envs: &'a BTreeMap<String, String>,
}

/// What a worker says about a cell that ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outcome {
    pub error: Option<Failure>,
    pub interrupted: bool,
}

/// An exception.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Failure {
    pub name: String,
    pub value: String,
    pub traceback: String,
}

/// What a worker says at first.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Greeting {
    Ready(()),
    /// It could not enter its folder.
    Errno(i32),
}

/// A Python that waits for cells.
#[derive(Debug)]
pub(super) struct Worker {
    pub pid: i32,
    pub exit: watch::Receiver<Option<Exit>>,
    pub stdout: Receiver,
    pub stderr: Receiver,
    pub words: Words,
    /// Closed when dropped, which ends the worker where nothing runs.
    to: OwnedWriteHalf,
}

impl Worker {
    /// Starts one in a folder, with the sandbox's environment as it is now.
    pub(super) async fn start(live: &Live, cwd: &str) -> Result<Self, SandboxError> {
        let env = live.environment();
        let PythonWorker {
            process,
            socket,
            marker,
        } = python::worker(live, &env, cwd, false).await?;
        let order = Order {
            cwd,
            env: &env,
            marker: marker.as_deref(),
            argv: &[],
            code: None,
            charts: None,
        };
        let pid = process.pid;
        let greeted = timeout(PATIENCE, greet(socket, &order, cwd)).await;
        let greeted = greeted.unwrap_or(Err(SandboxError::Silent(PATIENCE.as_secs())));
        let worker = greeted.and_then(|(words, to)| Self::new(process, words, to));
        if worker.is_err() {
            live.sandbox.end_tree(&[pid], Duration::ZERO).await?;
        }
        worker
    }

    fn new(process: Process, words: Words, to: OwnedWriteHalf) -> Result<Self, SandboxError> {
        let pipe = |pipe: OwnedFd| {
            Receiver::from_owned_fd(pipe).map_err(|error| SandboxError::System(error.to_string()))
        };
        let missing = || SandboxError::Protocol("a worker without its pipes".into());
        Ok(Self {
            pid: process.pid,
            exit: process.exit,
            stdout: pipe(process.stdout)?,
            stderr: pipe(process.stderr.ok_or_else(missing)?)?,
            words,
            to,
        })
    }

    /// Gives it a cell to run.
    pub(super) async fn give(&mut self, cell: &Cell<'_>) -> std::io::Result<()> {
        python::send(&mut self.to, cell).await
    }

    /// Reads what its threads and children print while no cell runs, which
    /// nobody asked for but would hold them up; resolves when it is no more of use.
    pub(super) async fn rest(&mut self) {
        let mut buffer = vec![0; 16 << 10];
        let (mut out, mut err) = (true, true);
        loop {
            tokio::select! {
                () = ready(&self.stdout), if out => {
                    out = !matches!(self.stdout.try_read(&mut buffer), Ok(0));
                }
                () = ready(&self.stderr), if err => {
                    err = !matches!(self.stderr.try_read(&mut buffer), Ok(0));
                }
                // It has nothing to say now: it ended, or is not what it was.
                _ = self.words.next::<serde::de::IgnoredAny>() => return,
                _ = ended(&mut self.exit) => return,
            }
        }
    }
}

async fn greet(
    mut socket: UnixStream,
    order: &Order<'_>,
    cwd: &str,
) -> Result<(Words, OwnedWriteHalf), SandboxError> {
    let broken = |error: std::io::Error| SandboxError::Protocol(format!("its Python: {error}"));
    python::send(&mut socket, order).await.map_err(broken)?;
    let (from, to) = socket.into_split();
    let mut words = Words::new(from, LONGEST_WORD);
    match words.next().await.map_err(broken)? {
        Some(Greeting::Ready(())) => Ok((words, to)),
        Some(Greeting::Errno(number)) => {
            let error = std::io::Error::from_raw_os_error(number);
            Err(SandboxError::Spawn(format!(
                "it cannot start in the folder {cwd}: {error}"
            )))
        }
        None => Err(SandboxError::Spawn("its Python ended at once".into())),
    }
}

/// Waits until there is something to read, or the end.
pub(super) async fn ready(pipe: &Receiver) {
    // An error here is found again by the read that follows.
    let _ = pipe.readable().await;
}

/// Waits for the end of a process; gives the number a shell would show.
pub(super) async fn ended(exit: &mut watch::Receiver<Option<Exit>>) -> i32 {
    // Without a word it goes only with its whole sandbox.
    let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
    exit.map_or(137, Exit::shell_code)
}
