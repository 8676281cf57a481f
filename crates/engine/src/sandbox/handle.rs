//! One sandbox, as the rest of the engine holds it.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use tokio::sync::watch;
use toolbox::protocol::{Call, LaunchStep, Outcome};

use super::channel::{Answer, CALL_TIME};
use super::interpreters::Interpreters;
use super::room::Room;
use super::{
    Destroyed, EndReason, Ended, Process, PythonStart, PythonWorker, SandboxError, Spawn, StdinKind, Usage,
};
use crate::network::NetworkWish;

/// How long ending may take on a busy host before it is called stuck.
const END_TIME: Duration = Duration::from_secs(20);
/// Beyond the grace: SIGKILL, and the proof that nothing is left.
const PROOF_TIME: Duration = Duration::from_secs(15);

/// A living sandbox. Clones are the same sandbox; when the last is dropped, it
/// ends.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: String,
    /// Where it stood ready, if it did.
    pub(super) pool: Option<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) room: Room,
    pub(super) interpreters: Arc<Interpreters>,
    pub(super) typescript: Option<Vec<String>>,
}

impl Sandbox {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The name it was created with.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Whether it was taken from the ready ones.
    #[must_use]
    pub fn warm(&self) -> bool {
        self.shared.pool.is_some()
    }

    /// The name under which it stood ready.
    #[must_use]
    pub fn pool(&self) -> Option<&str> {
        self.shared.pool.as_deref()
    }

    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started, with the sentence that says at what it failed.
    pub async fn spawn(&self, spawn: Spawn) -> Result<Process, SandboxError> {
        let Spawn {
            argv,
            env,
            cwd,
            stdin,
            merge_stderr,
        } = spawn;
        let name = argv.first().cloned().unwrap_or_default();
        let folder = cwd.clone();
        let stdin = stdin == StdinKind::Pipe;
        let call = Call::Spawn {
            argv,
            env,
            cwd,
            stdin,
            merge_stderr,
            control: false,
        };
        let Answer {
            outcome,
            descriptors,
            exit,
        } = self.call(call, CALL_TIME).await?;
        match (outcome, exit) {
            (Outcome::Started { pid }, Some(exit)) => {
                let wanted = 1 + usize::from(stdin) + usize::from(!merge_stderr);
                let mut pipes = usable_pipes(descriptors, wanted)?.into_iter();
                let missing = || SandboxError::Protocol("a program without its pipes".into());
                let stdin = if stdin {
                    Some(pipes.next().ok_or_else(missing)?)
                } else {
                    None
                };
                let stdout = pipes.next().ok_or_else(missing)?;
                Ok(Process {
                    pid,
                    stdin,
                    stdout,
                    stderr: pipes.next(),
                    exit,
                })
            }
            (Outcome::NotStarted { step, errno }, _) => Err(not_started(step, errno, &name, &folder)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Gives a Python that waits for its order, forked from one that runs
    /// already, or started with an environment of its own (see
    /// `src/python/zygote.py` for what it is told next).
    ///
    /// # Errors
    /// When there is no Python in the sandbox, or it cannot be had.
    pub async fn python_worker(&self, start: PythonStart) -> Result<PythonWorker, SandboxError> {
        let (zygote, channel) = (&self.shared.room.zygote, &self.shared.room.channel);
        let worker = match start {
            PythonStart::Forked { merge_stderr } => zygote.fork(channel, merge_stderr).await,
            PythonStart::Fresh {
                env,
                cwd,
                merge_stderr,
            } => zygote.start_worker(channel, env, cwd, merge_stderr).await,
        };
        worker.map_err(|error| self.why(error))
    }

    /// The variables that the Python workers are forked from started with.
    #[must_use]
    pub fn python_env(&self) -> &[(String, String)] {
        self.shared.room.zygote.env()
    }

    /// Sends a signal to the process group `pid` leads.
    ///
    /// # Errors
    /// When `pid` was not started here or its group is gone.
    pub async fn signal_group(&self, pid: i32, signal: i32) -> Result<(), SandboxError> {
        match self.call(Call::Signal { pid, signal }, CALL_TIME).await?.outcome {
            Outcome::Done => Ok(()),
            Outcome::Errno(errno) => {
                let error = std::io::Error::from_raw_os_error(errno);
                Err(SandboxError::System(format!(
                    "Process {pid} could not be signalled: {error}"
                )))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Ends the programs started as `pids` with everything they started, also
    /// what left their session or lost its parent: SIGTERM, `grace`, SIGKILL
    /// until nothing is left.
    ///
    /// # Errors
    /// When the sandbox is gone or does not answer.
    pub async fn end_tree(&self, pids: &[i32], grace: Duration) -> Result<Ended, SandboxError> {
        let started = Instant::now();
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let call = Call::EndTree {
            pids: pids.to_vec(),
            grace_ms,
        };
        match self.call(call, grace.saturating_add(PROOF_TIME)).await?.outcome {
            Outcome::Ended { ended, left } => Ok(Ended {
                ended,
                left,
                took: started.elapsed(),
            }),
            other => Err(unexpected(&other)),
        }
    }

    /// Becomes `Some` when the sandbox is not there any more.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<Option<EndReason>> {
        self.shared.room.ended.clone()
    }

    /// Whether it sees a shelf of packages.
    #[must_use]
    pub fn has_shelf(&self) -> bool {
        self.shared.room.has_shelf()
    }

    /// The port inside at which the engine itself listens, where it does.
    #[must_use]
    pub fn own_port(&self) -> Option<u16> {
        self.shared.room.own_port()
    }

    /// Changes what it asks to reach: at once for what is new, and connections
    /// that are not allowed any more are cut.
    pub fn set_network(&self, wish: NetworkWish) {
        self.shared.room.set_network(wish);
    }

    /// What it uses now; zeros when that cannot be read.
    pub async fn usage(&self) -> Usage {
        let (measure, disk) = tokio::join!(self.shared.room.measure(), self.call(Call::DiskUsage, CALL_TIME));
        let disk_bytes = match disk.map(|answer| answer.outcome) {
            Ok(Outcome::Disk { used, .. }) => used,
            _ => 0,
        };
        Usage {
            memory_bytes: measure.memory_bytes,
            cache_bytes: measure.cache_bytes,
            cpu_micros: measure.cpu_micros,
            processes: measure.processes,
            disk_bytes,
        }
    }

    /// Gives it more processors or memory, in bytes, while it lives; `false`
    /// when nothing on this host can change that.
    pub async fn resize(&self, cpu: u32, memory_bytes: u64) -> bool {
        self.shared.room.resize(cpu, memory_bytes).await
    }

    /// Stops every program in it where it is, or lets all go on.
    ///
    /// # Errors
    /// When the sandbox is gone or does not answer.
    pub async fn hold(&self, still: bool) -> Result<(), SandboxError> {
        match self.call(Call::Hold { still }, CALL_TIME).await?.outcome {
            Outcome::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends it and everything in it. A second call is answered like the first.
    ///
    /// # Errors
    /// When the proof does not come.
    pub async fn destroy(&self) -> Result<Destroyed, SandboxError> {
        let started = Instant::now();
        self.shared.room.destroy(END_TIME).await?;
        Ok(Destroyed {
            took: started.elapsed(),
        })
    }

    /// The Python inside, such as `/usr/bin/python3`.
    #[must_use]
    pub fn python(&self) -> Option<&str> {
        self.shared
            .interpreters
            .python
            .as_ref()
            .map(|found| found.path.as_str())
    }

    /// The Node.js inside.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.shared
            .interpreters
            .node
            .as_ref()
            .map(|found| found.path.as_str())
    }

    /// What Node.js is given to run TypeScript from its standard input, when it
    /// can.
    #[must_use]
    pub fn typescript(&self) -> Option<&[String]> {
        self.shared.typescript.as_deref()
    }

    /// The version of the Python inside, such as `3.11.2`.
    #[must_use]
    pub fn python_version(&self) -> Option<&str> {
        self.shared
            .interpreters
            .python
            .as_ref()
            .map(|found| found.version.as_str())
            .filter(|version| !version.is_empty())
    }

    /// The version of the Node.js inside, such as `20.20.2`.
    #[must_use]
    pub fn node_version(&self) -> Option<&str> {
        self.shared
            .interpreters
            .node
            .as_ref()
            .map(|found| found.version.as_str())
            .filter(|version| !version.is_empty())
    }

    /// The home folder as programs inside see it (`/home/daytona`, except
    /// where there is no mount namespace).
    #[must_use]
    pub fn home(&self) -> &str {
        &self.shared.room.home
    }

    /// The environment each program gets before its own variables.
    #[must_use]
    pub fn base_env(&self) -> Vec<(String, String)> {
        self.shared.env.clone()
    }

    /// Asks pid 1; once the sandbox has ended, says why instead.
    pub(super) async fn call(&self, call: Call, patience: Duration) -> Result<Answer, SandboxError> {
        let answered = self.shared.room.channel.call(call, patience).await;
        answered.map_err(|error| self.why(error))
    }

    /// The reason of the sandbox's end, where an error says no more than that.
    fn why(&self, error: SandboxError) -> SandboxError {
        match error {
            SandboxError::Ended(otherwise) => {
                let reason = self.shared.room.ended.borrow().clone();
                SandboxError::Ended(reason.map_or(otherwise, |reason| reason.to_string()))
            }
            other => other,
        }
    }
}

pub(super) fn unexpected(outcome: &Outcome) -> SandboxError {
    let text: String = format!("{outcome:?}").chars().take(80).collect();
    SandboxError::Protocol(format!("an answer to another question, {text}"))
}

/// Takes exactly `wanted` descriptors, all pipes, and keeps them from blocking.
pub(super) fn usable_pipes(descriptors: Vec<OwnedFd>, wanted: usize) -> Result<Vec<OwnedFd>, SandboxError> {
    let all_pipes = descriptors.iter().all(|descriptor| {
        rustix::fs::fstat(descriptor)
            .is_ok_and(|known| FileType::from_raw_mode(known.st_mode) == FileType::Fifo)
    });
    if descriptors.len() != wanted || !all_pipes {
        return Err(SandboxError::Protocol(
            "something else than the pipes of a program".into(),
        ));
    }
    for descriptor in &descriptors {
        rustix::io::ioctl_fionbio(descriptor, true)
            .map_err(|error| SandboxError::System(error.to_string()))?;
    }
    Ok(descriptors)
}

pub(super) fn not_started(step: LaunchStep, errno: i32, name: &str, folder: &str) -> SandboxError {
    let error = std::io::Error::from_raw_os_error(errno);
    SandboxError::Spawn(match (step, errno) {
        (LaunchStep::Program, libc::ENOENT) => format!("there is no program {name} in the sandbox"),
        (LaunchStep::Program, libc::EACCES) => format!("{name} may not be run; is it executable"),
        (LaunchStep::Program, libc::ENOEXEC) => {
            format!("{name} is no program; a script needs a first line such as #!/bin/sh")
        }
        (LaunchStep::Program, libc::E2BIG) => "its arguments and environment are too long".into(),
        (LaunchStep::Program, _) => format!("{name}: {error}"),
        (LaunchStep::Folder, _) => format!("it cannot start in the folder {folder}: {error}"),
        (LaunchStep::Terminal, libc::ENOENT | libc::EACCES) => {
            "terminals need namespaces, or an engine that runs as root".into()
        }
        (LaunchStep::Terminal, _) => format!("it gets no terminal: {error}"),
        (LaunchStep::Fork, libc::EAGAIN) => "the sandbox has as many processes as it may have".into(),
        (LaunchStep::Arguments, _) => {
            "its arguments or environment hold a NUL byte, or there is no program".into()
        }
        (LaunchStep::Fork | LaunchStep::Pipe | LaunchStep::Descriptors, _) => {
            format!("the sandbox refused: {error}")
        }
    })
}
