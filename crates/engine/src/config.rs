//! What an engine is started with, and why it may not start.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::images::Images;
use crate::network::NetworkBound;
use crate::sandbox::{IsolationChoice, IsolationError};
use crate::throttle::RateLimits;

/// The settings of one engine.
#[derive(Clone)]
pub struct EngineConfig {
    /// The address it serves, as clients reach it.
    pub addr: SocketAddr,
    /// The administrator's key: of the first organization, and it may everything.
    pub api_key: String,
    /// Where it keeps sandboxes' homes, their records and the spooled logs.
    pub data_dir: PathBuf,
    /// Which walls are acceptable.
    pub isolation: IsolationChoice,
    /// What sandboxes reach at most; each may ask for less.
    pub network_default: NetworkBound,
    /// Variables of the operator's for every program in a sandbox.
    pub sandbox_env: BTreeMap<String, String>,
    /// Files and folders of the operator's that sandboxes see, read-only, at the
    /// same path.
    pub sandbox_files: Vec<PathBuf>,
    /// Bytes of installed packages that are kept for later sandboxes; 0 keeps
    /// none.
    pub packages_bytes: u64,
    /// Bound read-only at `/opt/pitlane` in each sandbox.
    pub runtime_dir: Option<PathBuf>,
    /// The Pythons to offer instead of the one that would be found: the first
    /// that can be used. When none can, the engine does not start.
    pub python: Vec<PathBuf>,
    /// The same of Node.js.
    pub node: Vec<PathBuf>,
    /// Where the SSH gateway listens; `None` for no gateway.
    pub ssh_addr: Option<SocketAddr>,
    /// The domain of previews, `{port}-{sandbox}.{domain}`, with a port when
    /// clients reach it by another than the engine. All names below it have to
    /// lead to the engine; browsers take those below `localhost` for themselves.
    pub preview_domain: String,
    /// Unpacked root file systems that sandboxes may run on instead of the
    /// host's own programs, by the name of the image they stand for.
    pub images: Images,
    /// Let the host's own programs stand for the usual public images (Debian,
    /// Ubuntu, Python, Node.js) in Dockerfiles.
    pub image_substitution: bool,
    /// How many sandboxes with default limits are kept ready.
    pub warm: usize,
    /// How often clients may ask.
    pub rate_limits: RateLimits,
    /// An interpreter context that nobody uses for so long ends, with its variables.
    pub context_idle: Duration,
    /// End when no request came for so long; `None` stands alone for ever.
    pub orphan_grace: Option<Duration>,
}

impl EngineConfig {
    /// The settings of an engine about which nothing else was said: any walls,
    /// no network, nothing kept ready, alone for ever.
    #[must_use]
    pub fn new(addr: SocketAddr, api_key: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            addr,
            api_key: api_key.into(),
            data_dir: data_dir.into(),
            isolation: IsolationChoice::Auto,
            network_default: NetworkBound::off(),
            sandbox_env: BTreeMap::new(),
            sandbox_files: Vec::new(),
            packages_bytes: 4 << 30,
            runtime_dir: None,
            python: Vec::new(),
            node: Vec::new(),
            ssh_addr: None,
            preview_domain: "localhost".to_owned(),
            images: Images::default(),
            image_substitution: false,
            warm: 0,
            rate_limits: RateLimits::default(),
            context_idle: Duration::from_secs(4 * 60 * 60),
            orphan_grace: None,
        }
    }
}

impl fmt::Debug for EngineConfig {
    /// Everything but the key.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EngineConfig")
            .field("addr", &self.addr)
            .field("data_dir", &self.data_dir)
            .field("isolation", &self.isolation)
            .field("network_default", &self.network_default)
            .field("ssh_addr", &self.ssh_addr)
            .field("preview_domain", &self.preview_domain)
            .field("images", &self.images)
            .field("image_substitution", &self.image_substitution)
            .field("warm", &self.warm)
            .field("rate_limits", &self.rate_limits)
            .field("orphan_grace", &self.orphan_grace)
            .finish_non_exhaustive()
    }
}

/// Why an engine did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The data directory cannot be used.
    #[error("The data directory {} cannot be used: {source}. Choose another one or mend its permissions.", path.display())]
    DataDirectory {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another engine uses the data directory.
    #[error(
        "An engine (process {pid}) already uses the data directory {}. Stop it, or choose another directory.",
        path.display()
    )]
    Held {
        /// The directory.
        path: PathBuf,
        /// The other engine's process.
        pid: u32,
    },
    /// No sandbox can be isolated here.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The process that holds the sandboxes ended; so did every sandbox.
    #[error("The process that holds the sandboxes ended, and every sandbox with it. Start the engine again.")]
    SandboxesLost,
    /// The SSH gateway cannot be served.
    #[error("The SSH gateway cannot listen on {addr}: {source}. Choose another address, or leave it out.")]
    Ssh {
        /// Where it was to listen.
        addr: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The listener failed.
    #[error("The engine's listener failed: {0}.")]
    Listener(std::io::Error),
}

/// The rhythm of the timers. Daytona counts in minutes; tests count faster.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// The length of one of Daytona's minutes.
    pub minute: Duration,
    /// How often the timers look.
    pub tick: Duration,
    /// How often is looked at what sandboxes use.
    pub sample: Duration,
    /// How often who listens to events is asked whether it is still there.
    pub heartbeat: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            minute: Duration::from_secs(60),
            tick: Duration::from_secs(5),
            sample: Duration::from_secs(10),
            heartbeat: Duration::from_secs(25),
        }
    }
}
