//! Isolated sandboxes: the async API the engine's HTTP side builds on.
//!
//! A sandbox is a set of namespaces with a pid 1 of our own (`toolbox`), forked
//! by a small single-threaded process called sandboxd, which is this same
//! executable started again. The engine talks to sandboxd about sandboxes and
//! to each pid 1 about processes and files, over sockets that also carry file
//! descriptors. Nothing a sandbox says is trusted: lengths, descriptor counts
//! and times are bounded on this side.

#[expect(
    unsafe_code,
    reason = "tokio takes descriptors only with a promise about them; the block gives it"
)]
mod arrivals;
mod channel;
mod connect;
mod environment;
mod error;
mod files;
mod handle;
mod helper;
mod home_images;
mod homes;
mod host;
#[expect(
    unsafe_code,
    reason = "namespaces, mounts and filters have no safe wrapper; each block says why it holds"
)]
mod inside;
mod interpreters;
mod isolation;
mod ladder;
#[expect(
    unsafe_code,
    reason = "loop devices have no safe wrapper; each block says why it holds"
)]
mod loop_device;
mod outlook;
#[expect(
    unsafe_code,
    reason = "tokio takes descriptors only with a promise about them; the block gives it"
)]
mod packets;
#[expect(
    unsafe_code,
    reason = "tokio takes descriptors only with a promise about them; the block gives it"
)]
mod pause;
#[expect(
    unsafe_code,
    reason = "zeroing the room of every read costs as much as the reading; the block says why it holds"
)]
mod pipe;
mod pool;
mod process;
mod ready;
mod remedy;
mod room;
#[expect(
    unsafe_code,
    reason = "fork and clone have no safe wrapper; each block says why it holds"
)]
mod sandboxd;
mod spec;
mod standing;
mod state;
#[expect(
    unsafe_code,
    reason = "tokio takes descriptors only with a promise about them; the block gives it"
)]
mod terminal;
#[expect(
    unsafe_code,
    reason = "tokio takes descriptors only with a promise about them; the block gives it"
)]
mod tun;
mod zygote;

pub use arrivals::Arrivals;
pub use connect::ConnectError;
pub use error::{FileError, IsolationError, SandboxError};
pub use handle::Sandbox;
pub(crate) use homes::disk_use;
pub use host::{HostConfig, SandboxHost};
pub use interpreters::{FoundInterpreter, Pip, Survey, Verdict};
pub use isolation::{Diagnosis, Enforcer, Isolation, IsolationChoice, Level, Refusal, Wiring};
pub use outlook::{Outlook, outlook};
pub use pause::Pause;
pub use pipe::read_pipe;
pub use pool::Ready;
pub use process::{CommandPipes, Ended, Exit, Process, PythonStart, PythonWorker, Spawn, StdinKind};
pub use sandboxd::sandboxd_main;
pub use spec::{SandboxSpec, SharedFolder};
pub(crate) use standing::Standing;
pub use state::{Destroyed, EndReason, Usage};
pub use terminal::{InTerminal, Master, Terminal};
pub use toolbox::protocol::{FileEntry, FileFault, FileKind, FileStat};
pub(crate) use tun::Tun;

/// The name of the only user inside a sandbox.
pub const USER: &str = "daytona";
/// The home and first working directory inside a sandbox.
pub const HOME: &str = "/home/daytona";
/// Where a sandbox sees the shelf of its organization, if it has one.
pub const SHELF: &str = "/opt/packages";
/// Who owns the files of shared folders on disk where each sandbox has a uid of
/// its own; outside the ranges those are taken from.
pub const VOLUME_OWNER: u32 = 299_999;
