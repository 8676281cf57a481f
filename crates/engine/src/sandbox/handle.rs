//! One sandbox, as the rest of the engine holds it.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::sync::watch;

use super::{Ended, FileEntry, FileError, FileStat, Process, SandboxError, Spawn};

/// Why a sandbox is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// `Sandbox::destroy` or `SandboxHost::shutdown`.
    Destroyed,
    /// It used more memory than it may and nothing else could be ended.
    OutOfMemory,
    /// Its disk use went over the limit where only a watchdog holds it.
    OutOfDisk,
    /// Its pid 1 ended otherwise, with the sentence that says how.
    Died(String),
    /// sandboxd, and with it every sandbox, is gone.
    HostLost,
}

/// What a sandbox uses at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory in bytes, its files in memory included.
    pub memory_bytes: u64,
    /// Processor time since it was made, in microseconds.
    pub cpu_micros: u64,
    /// Processes alive, pid 1 not counted.
    pub processes: u32,
    /// Bytes used in its home folder.
    pub disk_bytes: u64,
}

/// The proof that a sandbox is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// From the call to the last proof.
    pub took: Duration,
}

/// A living sandbox. Clones are the same sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    shared: std::sync::Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    id: String,
    ended: watch::Receiver<Option<EndReason>>,
}

fn gone() -> SandboxError {
    SandboxError::Ended("not there yet".into())
}

impl Sandbox {
    /// The name it was created with.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Whether it was taken from the ready ones.
    #[must_use]
    pub fn warm(&self) -> bool {
        false
    }

    /// Starts a program.
    pub async fn spawn(&self, _spawn: Spawn) -> Result<Process, SandboxError> {
        Err(gone())
    }

    /// Sends a signal to the process group `pid` leads.
    pub async fn signal_group(&self, _pid: i32, _signal: i32) -> Result<(), SandboxError> {
        Err(gone())
    }

    /// Ends the programs started as `pids` with everything they started, also
    /// what left their session or lost its parent: SIGTERM, `grace`, SIGKILL
    /// until nothing is left.
    pub async fn end_tree(&self, _pids: &[i32], _grace: Duration) -> Result<Ended, SandboxError> {
        Err(gone())
    }

    /// Opens a regular file for reading; the descriptor does not block.
    pub async fn open_read(&self, _path: &str) -> Result<(OwnedFd, FileStat), FileError> {
        Err(gone().into())
    }

    /// Opens a regular file for writing from its start, empty.
    pub async fn open_write(
        &self,
        _path: &str,
        _mode: u32,
        _create_parents: bool,
    ) -> Result<OwnedFd, FileError> {
        Err(gone().into())
    }

    /// What is known about a path (links followed).
    pub async fn stat(&self, _path: &str) -> Result<FileStat, FileError> {
        Err(gone().into())
    }

    /// The entries of a folder, sorted by name.
    pub async fn list(&self, _path: &str) -> Result<Vec<FileEntry>, FileError> {
        Err(gone().into())
    }

    /// Makes a folder and the ones above it; one that is there already is fine.
    pub async fn create_folder(&self, _path: &str, _mode: u32) -> Result<(), FileError> {
        Err(gone().into())
    }

    /// Removes a file, a link or an empty folder; with `recursive` also a full one.
    pub async fn remove(&self, _path: &str, _recursive: bool) -> Result<(), FileError> {
        Err(gone().into())
    }

    /// Moves a file or folder; what was at `to` is replaced as rename(2) does.
    pub async fn rename(&self, _from: &str, _to: &str) -> Result<(), FileError> {
        Err(gone().into())
    }

    /// Sets the permission bits.
    pub async fn set_permissions(&self, _path: &str, _mode: u32) -> Result<(), FileError> {
        Err(gone().into())
    }

    /// Becomes `Some` when the sandbox is not there any more.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<Option<EndReason>> {
        self.shared.ended.clone()
    }

    /// What it uses now; zeros when that cannot be read.
    pub async fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Ends it and everything in it. A second call is answered like the first.
    pub async fn destroy(&self) -> Result<Destroyed, SandboxError> {
        Err(gone())
    }

    /// The Python inside, such as `/usr/bin/python3`.
    #[must_use]
    pub fn python(&self) -> Option<&str> {
        None
    }

    /// The Node.js inside.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        None
    }

    /// The version of the Python inside, such as `3.11.2`.
    #[must_use]
    pub fn python_version(&self) -> Option<&str> {
        None
    }

    /// The version of the Node.js inside, such as `20.20.2`.
    #[must_use]
    pub fn node_version(&self) -> Option<&str> {
        None
    }

    /// The home folder as programs inside see it (`/home/daytona`, except
    /// where there is no mount namespace).
    #[must_use]
    pub fn home(&self) -> &str {
        super::HOME
    }

    /// The environment each program gets before its own variables.
    #[must_use]
    pub fn base_env(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
