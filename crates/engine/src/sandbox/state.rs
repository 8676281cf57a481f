//! What is known about a sandbox besides its handle.

use std::fmt;
use std::time::Duration;

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

impl fmt::Display for EndReason {
    /// The part of a sentence that says it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Destroyed => out.write_str("it was destroyed"),
            Self::OutOfMemory => out.write_str("it used more memory than it may"),
            Self::OutOfDisk => out.write_str("it used more disk space than it may"),
            Self::Died(reason) => out.write_str(reason),
            Self::HostLost => out.write_str("the sandbox helper process is gone"),
        }
    }
}

/// What a sandbox uses at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory in bytes, its files in memory included.
    pub memory_bytes: u64,
    /// Of these, files of the disk that are kept in memory to be quick.
    pub cache_bytes: u64,
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
