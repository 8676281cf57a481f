//! The Python of a sandbox that waits, and the workers it forks.
//!
//! It is started when it is first needed, or by the warm pool, and started
//! again when it is gone. It runs with the sandbox's rights and can be altered
//! by whatever runs there, so nothing it says is believed: times, lengths and
//! descriptors are checked here, and that a worker is a process of this sandbox
//! is checked by pid 1, which from then on reaps and ends it like any program.

use std::os::fd::OwnedFd;
use std::sync::LazyLock;
use std::time::Duration;

use rustix::fs::FileType;
use rustix::net::{AddressFamily, SocketType, sockopt};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::Mutex;
use tokio::time::timeout;
use toolbox::protocol::{Call, Outcome};

use super::channel::{Answer, CALL_TIME, Channel};
use super::handle::{not_started, unexpected, usable_pipes};
use super::packets::Packets;
use super::{Process, PythonWorker, SandboxError};

/// How long forking may take on a busy host, and starting with its imports.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest packet a zygote sends.
const LONGEST_WORD: usize = 256;
/// After so many that did not come up, no more is tried in this sandbox.
const ATTEMPTS: u32 = 3;

/// What Python reads: our text as one string, so that its syntax tree is not
/// kept for as long as it runs.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let text = serde_json::Value::from(include_str!("../python/zygote.py")).to_string();
    format!("exec(compile({text}, \"<pitlane>\", \"exec\"))\n")
});

/// What a zygote says.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// It has imported what it wanted to.
    Ready(()),
    /// A worker waits; comes with its descriptors.
    Worker(i32),
    /// There is none, for this reason.
    Errno(i32),
}

/// The socket a Python serves.
#[derive(Debug)]
struct Control {
    packets: Packets,
    /// Whether it said that it is ready.
    ready: bool,
}

/// A zygote that runs.
#[derive(Debug)]
struct Running {
    control: Control,
    /// Kept for its pipe: it has nothing to print, but must not end of trying.
    process: Process,
}

#[derive(Debug, Default)]
struct Slot {
    running: Option<Running>,
    failures: u32,
}

/// The place of a sandbox's waiting Python.
#[derive(Debug, Default)]
pub(super) struct Zygote {
    python: Option<String>,
    env: Vec<(String, String)>,
    slot: Mutex<Slot>,
}

impl Zygote {
    pub(super) fn new(python: String, env: Vec<(String, String)>) -> Self {
        Self {
            python: Some(python),
            env,
            slot: Mutex::default(),
        }
    }

    pub(super) fn env(&self) -> &[(String, String)] {
        &self.env
    }

    fn python(&self) -> Result<&str, SandboxError> {
        let missing = || SandboxError::Spawn("there is no Python in the sandbox".into());
        self.python.as_deref().ok_or_else(missing)
    }

    /// Starts it and waits until it is ready.
    pub(super) async fn warm_up(&self, channel: &Channel) -> Result<(), SandboxError> {
        let mut slot = self.slot.lock().await;
        let mut running = self.take_or_start(&mut slot, channel).await?;
        while !running.control.ready {
            let (word, _) = running.control.hear().await?;
            running.control.ready = matches!(word, Word::Ready(_));
        }
        slot.running = Some(running);
        Ok(())
    }

    /// Taken out of its place, it ends when what is asked of it is not waited
    /// for: its answer would be taken for that to the next question.
    async fn take_or_start(&self, slot: &mut Slot, channel: &Channel) -> Result<Running, SandboxError> {
        if let Some(running) = slot.running.take() {
            return Ok(running);
        }
        if slot.failures >= ATTEMPTS {
            return Err(SandboxError::Spawn("its Python cannot wait for work".into()));
        }
        let (control, process) = start(channel, self.python()?, self.env.clone(), "/".into(), true).await?;
        Ok(Running { control, process })
    }

    /// Forks a worker. A zygote that does not do it is replaced, once.
    pub(super) async fn fork(
        &self,
        channel: &Channel,
        merge_stderr: bool,
    ) -> Result<PythonWorker, SandboxError> {
        let request: &[u8] = if merge_stderr { b"fork 1" } else { b"fork 2" };
        let mut slot = self.slot.lock().await;
        let mut last = None;
        for _ in 0..2 {
            let mut running = self.take_or_start(&mut slot, channel).await?;
            match running.control.ask(request).await {
                Ok((pid, descriptors)) => {
                    slot.failures = 0;
                    slot.running = Some(running);
                    drop(slot);
                    return adopt(channel, pid, descriptors, merge_stderr).await;
                }
                // It works, but the sandbox's limits are reached.
                Err(error @ SandboxError::Spawn(_)) => {
                    slot.running = Some(running);
                    return Err(error);
                }
                Err(error) => {
                    tracing::debug!(%error, "a waiting Python is replaced");
                    slot.failures += 1;
                    end(channel, running.process.pid).await;
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| SandboxError::Spawn("its Python does not run".into())))
    }

    /// Starts a Python that is the worker itself.
    pub(super) async fn start_worker(
        &self,
        channel: &Channel,
        env: Vec<(String, String)>,
        cwd: String,
        merge_stderr: bool,
    ) -> Result<PythonWorker, SandboxError> {
        let (mut control, process) = start(channel, self.python()?, env, cwd, merge_stderr).await?;
        let asked = control.ask(b"stay").await;
        let socket = asked.and_then(|(_, descriptors)| {
            let mut descriptors = descriptors.into_iter();
            match (descriptors.next(), descriptors.next()) {
                (Some(socket), None) => usable_socket(socket),
                _ => Err(SandboxError::Protocol("a worker without its socket".into())),
            }
        });
        match socket {
            Ok(socket) => Ok(PythonWorker {
                process,
                socket,
                marker: None,
            }),
            Err(error) => {
                end(channel, process.pid).await;
                Err(error)
            }
        }
    }
}

impl Control {
    /// Asks for a worker and gives what comes with it.
    async fn ask(&mut self, request: &[u8]) -> Result<(i32, Vec<OwnedFd>), SandboxError> {
        let sent = timeout(PATIENCE, self.packets.send(request)).await;
        sent.map_err(|_| silent())?.map_err(|error| gone(&error))?;
        loop {
            match self.hear().await? {
                (Word::Ready(_), _) if !self.ready => self.ready = true,
                (Word::Ready(_), _) => return Err(SandboxError::Protocol("it got ready twice".into())),
                (Word::Worker(pid), descriptors) => return Ok((pid, descriptors)),
                (Word::Errno(libc::EAGAIN), _) => {
                    return Err(SandboxError::Spawn(
                        "the sandbox has as many processes as it may have".into(),
                    ));
                }
                (Word::Errno(errno), _) => {
                    let error = std::io::Error::from_raw_os_error(errno);
                    return Err(SandboxError::Spawn(format!("the sandbox refused: {error}")));
                }
            }
        }
    }

    async fn hear(&self) -> Result<(Word, Vec<OwnedFd>), SandboxError> {
        let mut buffer = [0u8; LONGEST_WORD];
        let heard = timeout(PATIENCE, self.packets.receive(&mut buffer)).await;
        let packet = heard.map_err(|_| silent())?.map_err(|error| gone(&error))?;
        if packet.length == 0 {
            return Err(gone(&std::io::ErrorKind::UnexpectedEof.into()));
        }
        let word = serde_json::from_slice(&buffer[..packet.length])
            .map_err(|error| SandboxError::Protocol(format!("a waiting Python said {error}")))?;
        Ok((word, packet.descriptors))
    }
}

/// Starts Python with our text.
async fn start(
    channel: &Channel,
    python: &str,
    env: Vec<(String, String)>,
    cwd: String,
    merge_stderr: bool,
) -> Result<(Control, Process), SandboxError> {
    let folder = cwd.clone();
    let call = Call::Spawn {
        argv: vec![python.to_owned(), "-u".into(), "-".into()],
        env,
        cwd,
        stdin: true,
        merge_stderr,
        control: true,
    };
    let Answer {
        outcome,
        mut descriptors,
        exit,
    } = channel.call(call, CALL_TIME).await?;
    let (pid, exit) = match (outcome, exit) {
        (Outcome::Started { pid }, Some(exit)) => (pid, exit),
        (Outcome::NotStarted { step, errno }, _) => return Err(not_started(step, errno, python, &folder)),
        (other, _) => return Err(unexpected(&other)),
    };
    let started = async {
        let missing = || SandboxError::Protocol("a program without its pipes".into());
        let control = usable_packets(descriptors.pop().ok_or_else(missing)?)?;
        let mut pipes = usable_pipes(descriptors, 2 + usize::from(!merge_stderr))?.into_iter();
        let (stdin, stdout) = (
            pipes.next().ok_or_else(missing)?,
            pipes.next().ok_or_else(missing)?,
        );
        give_program(stdin).await?;
        Ok((control, stdout, pipes.next()))
    };
    match started.await {
        Ok((packets, stdout, stderr)) => Ok((
            Control {
                packets,
                ready: false,
            },
            Process {
                pid,
                stdin: None,
                stdout,
                stderr,
                exit,
            },
        )),
        Err(error) => {
            end(channel, pid).await;
            Err(error)
        }
    }
}

/// Gives Python its text, which fits the pipe.
async fn give_program(stdin: OwnedFd) -> Result<(), SandboxError> {
    let failed = |error: std::io::Error| SandboxError::System(format!("Python does not read: {error}"));
    let mut stdin = pipe::Sender::from_owned_fd(stdin).map_err(failed)?;
    let given = timeout(PATIENCE, stdin.write_all(PROGRAM.as_bytes())).await;
    given.map_err(|_| silent())?.map_err(failed)
}

/// Has pid 1 take a worker in.
async fn adopt(
    channel: &Channel,
    pid: i32,
    descriptors: Vec<OwnedFd>,
    merge_stderr: bool,
) -> Result<PythonWorker, SandboxError> {
    let mut descriptors = descriptors.into_iter();
    let missing = || SandboxError::Protocol("a worker without its socket".into());
    let socket = usable_socket(descriptors.next().ok_or_else(missing)?)?;
    let mut pipes = usable_pipes(descriptors.collect(), 2 - usize::from(merge_stderr))?.into_iter();
    let (stdout, stderr) = (pipes.next().ok_or_else(missing)?, pipes.next());
    let answer = channel.call(Call::Adopt { pid }, CALL_TIME).await?;
    match (answer.outcome, answer.exit) {
        (Outcome::Adopted { marker, .. }, Some(exit)) => Ok(PythonWorker {
            process: Process {
                pid,
                stdin: None,
                stdout,
                stderr,
                exit,
            },
            socket,
            marker: Some(marker),
        }),
        (Outcome::Errno(errno), _) => {
            let error = std::io::Error::from_raw_os_error(errno);
            Err(SandboxError::Spawn(format!(
                "the process ended before it ran: {error}"
            )))
        }
        (other, _) => Err(unexpected(&other)),
    }
}

/// Ends a Python with all it forked that is no program of its own yet.
async fn end(channel: &Channel, pid: i32) {
    let call = Call::EndTree {
        pids: vec![pid],
        grace_ms: 0,
    };
    if let Err(error) = channel.call(call, CALL_TIME).await {
        tracing::debug!(%error, "a waiting Python could not be ended");
    }
}

fn is_socket(descriptor: &OwnedFd, kind: SocketType) -> bool {
    rustix::fs::fstat(descriptor)
        .is_ok_and(|known| FileType::from_raw_mode(known.st_mode) == FileType::Socket)
        && sockopt::socket_domain(descriptor).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && sockopt::socket_type(descriptor).is_ok_and(|found| found == kind)
}

fn usable_packets(descriptor: OwnedFd) -> Result<Packets, SandboxError> {
    if !is_socket(&descriptor, SocketType::SEQPACKET) {
        return Err(SandboxError::Protocol("something else than a socket".into()));
    }
    Packets::new(descriptor).map_err(|error| SandboxError::System(error.to_string()))
}

fn usable_socket(descriptor: OwnedFd) -> Result<UnixStream, SandboxError> {
    if !is_socket(&descriptor, SocketType::STREAM) {
        return Err(SandboxError::Protocol(
            "something else than a worker's socket".into(),
        ));
    }
    let stream = std::os::unix::net::UnixStream::from(descriptor);
    let usable = stream
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(stream));
    usable.map_err(|error| SandboxError::System(error.to_string()))
}

fn silent() -> SandboxError {
    SandboxError::Silent(PATIENCE.as_secs())
}

fn gone(error: &std::io::Error) -> SandboxError {
    SandboxError::Protocol(format!("a waiting Python went away: {error}"))
}
