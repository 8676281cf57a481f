//! The engine's side of sandboxd: starts it, asks it for sandboxes, keeps some
//! ready.

use std::path::PathBuf;

use super::{Isolation, IsolationChoice, IsolationError, Sandbox, SandboxError, SandboxSpec};

/// How sandboxes are made on this host.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Kept home folders are at `data_dir/homes/<id>`. Absolute.
    pub data_dir: PathBuf,
    /// Which walls are acceptable.
    pub isolation: IsolationChoice,
    /// Bound read-only at `/opt/pitlane` in each sandbox.
    pub runtime_dir: Option<PathBuf>,
    /// The Python to offer instead of the one that would be found.
    pub python: Option<PathBuf>,
    /// The Node.js to offer instead of the one that would be found.
    pub node: Option<PathBuf>,
    /// How many sandboxes with default limits are kept ready.
    pub warm: usize,
    /// The executable that understands `sandboxd` as its first argument;
    /// `None` is the running one.
    pub program: Option<PathBuf>,
}

/// The connection to sandboxd. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SandboxHost {
    isolation: std::sync::Arc<Isolation>,
}

impl SandboxHost {
    /// Starts sandboxd and finds the best walls it can build here.
    pub async fn start(_config: HostConfig) -> Result<Self, IsolationError> {
        Err(IsolationError::Helper("not there yet".into()))
    }

    /// The walls in use.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// Makes a sandbox, or hands out one that is ready.
    pub async fn create(&self, _spec: SandboxSpec) -> Result<Sandbox, SandboxError> {
        Err(SandboxError::Create("not there yet".into()))
    }

    /// Ends every sandbox, and sandboxd.
    pub async fn shutdown(&self) {}
}

/// What the executable does when its first argument is `sandboxd`: call this
/// before anything else in `main`, above all before threads are made.
pub fn sandboxd_main() -> ! {
    std::process::exit(1)
}
