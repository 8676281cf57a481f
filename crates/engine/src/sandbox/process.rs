//! Programs inside a sandbox, as the engine holds them.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::watch;

/// What a program reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StdinKind {
    /// Nothing: the end at once.
    #[default]
    Null,
    /// A pipe the engine writes to.
    Pipe,
}

/// The order to start one program.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The program and its arguments; the program is looked up in the `PATH`
    /// of `env` when it has no slash.
    pub argv: Vec<String>,
    /// The whole environment; nothing is added.
    pub env: Vec<(String, String)>,
    /// Where it starts. A folder that is not there is an error.
    pub cwd: String,
    /// What it reads.
    pub stdin: StdinKind,
    /// Send standard error into the same pipe as standard output.
    pub merge_stderr: bool,
}

/// The engine's ends of the named pipes of one command; none of them blocks.
#[derive(Debug)]
pub struct CommandPipes {
    /// Writes what the command reads. Closing it is the end of its input.
    pub stdin: OwnedFd,
    /// Reads what it prints. It has no end before something opened the pipe,
    /// so wait for it to be readable before the first read.
    pub stdout: OwnedFd,
    /// Reads its errors.
    pub stderr: OwnedFd,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, when it ended by itself.
    pub code: Option<i32>,
    /// The signal, when one ended it.
    pub signal: Option<i32>,
}

impl Exit {
    /// The number a shell would show: the code, or 128 + the signal.
    #[must_use]
    pub fn shell_code(self) -> i32 {
        self.code.or(self.signal.map(|number| 128 + number)).unwrap_or(-1)
    }
}

/// A started program. It leads a session and a process group of its own.
/// Dropping this does not end it.
#[derive(Debug)]
pub struct Process {
    /// Its number inside the sandbox.
    pub pid: i32,
    /// The write end, non-blocking, when a pipe was asked for.
    pub stdin: Option<OwnedFd>,
    /// The read end of what it prints, non-blocking.
    pub stdout: OwnedFd,
    /// The read end of its errors unless they were merged.
    pub stderr: Option<OwnedFd>,
    /// Becomes `Some` once when it ended. The sender going away without that
    /// means the whole sandbox ended. Read the pipes until they would block
    /// after this, never until their end: a daemon may hold them open.
    pub exit: watch::Receiver<Option<Exit>>,
}

/// How a Python worker is to be had.
#[derive(Clone, Debug)]
pub enum PythonStart {
    /// Forked from the sandbox's waiting Python, which takes a millisecond.
    Forked {
        /// Send standard error into the same pipe as standard output.
        merge_stderr: bool,
    },
    /// A Python of its own, for an environment that counts from its start.
    Fresh {
        /// The whole environment.
        env: Vec<(String, String)>,
        /// Where it starts.
        cwd: String,
        /// Send standard error into the same pipe as standard output.
        merge_stderr: bool,
    },
}

/// A Python that waits for its order.
#[derive(Debug)]
pub struct PythonWorker {
    /// The process, with nothing to read.
    pub process: Process,
    /// Where it takes its order and answers. Dropped before an order, the
    /// worker ends.
    pub socket: UnixStream,
    /// What its children are to have as `PITLANE_COMMAND`; `None` when its
    /// environment has it already.
    pub marker: Option<String>,
}

/// What ending a process tree came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How many processes were there and are not any more.
    pub ended: u32,
    /// How many are still there: 0 unless the kernel holds one.
    pub left: u32,
    /// From the first signal to the last proof.
    pub took: Duration,
}
