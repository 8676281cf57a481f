//! Isolated sandboxes: the async API the engine's HTTP side builds on.
//!
//! A sandbox is a set of namespaces with a pid 1 of our own (`toolbox`), forked
//! by a small single-threaded process called sandboxd, which is this same
//! executable started again. The engine talks to sandboxd about sandboxes and
//! to each pid 1 about processes and files, over sockets that also carry file
//! descriptors. Nothing a sandbox says is trusted: lengths, descriptor counts
//! and times are bounded on this side.

mod error;
mod handle;
mod host;
mod isolation;
mod process;
mod spec;

pub use error::{FileError, IsolationError, SandboxError};
pub use handle::{Destroyed, EndReason, Sandbox, Usage};
pub use host::{HostConfig, SandboxHost, sandboxd_main};
pub use isolation::{Diagnosis, Enforcer, Isolation, IsolationChoice, Level, Refusal, diagnose};
pub use process::{Ended, Exit, Process, Spawn, StdinKind};
pub use spec::{Network, SandboxSpec};
pub use toolbox::protocol::{FileEntry, FileFault, FileKind, FileStat};

/// The name of the only user inside a sandbox.
pub const USER: &str = "daytona";
/// The home and first working directory inside a sandbox.
pub const HOME: &str = "/home/daytona";
