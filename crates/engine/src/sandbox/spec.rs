//! What a sandbox is to be: its limits, its network, its environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::network::NetworkWish;

/// A folder of the host that sandboxes share, writable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFolder {
    /// The folder, which nothing but sandboxes writes to.
    pub source: PathBuf,
    /// The part of it that is shown; made when it is not there.
    pub subpath: Option<PathBuf>,
    /// Where it is inside, absolute.
    pub target: PathBuf,
}

/// The order for one sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSpec {
    /// Names the sandbox and, when it is kept, its home folder on the host.
    /// Letters, digits, `-` and `_` only, at most 64.
    pub id: String,
    /// Processors.
    pub cpu: u32,
    /// Memory in bytes, files in `/tmp` and the like included.
    pub memory_bytes: u64,
    /// Disk in bytes for the home folder.
    pub disk_bytes: u64,
    /// How many files and folders the home folder may hold.
    pub inodes: u64,
    /// How many processes and threads may live at the same time.
    pub processes: u32,
    /// What it asks to reach; it gets no more than the host's bound.
    pub network: NetworkWish,
    /// An unpacked root file system to run on; none is the host's own programs.
    pub root: Option<PathBuf>,
    /// Folders it shares with others.
    pub shared: Vec<SharedFolder>,
    /// Folders outside the home, absolute, that can be written to and whose
    /// files are kept with the home.
    pub places: Vec<PathBuf>,
    /// Added to `Sandbox::base_env`; wins over it.
    pub env: BTreeMap<String, String>,
    /// Keep the home folder on the host's disk after the sandbox is destroyed.
    pub keep_home: bool,
    /// Keep it as a folder whose files the host can hand on, not as an image.
    pub plain_home: bool,
    /// A folder of the host that is seen read-only at [`SHELF`].
    ///
    /// [`SHELF`]: super::SHELF
    pub shelf: Option<PathBuf>,
}

impl Default for SandboxSpec {
    /// One processor, 1 GiB of memory, 3 GiB of disk, the host's network bound,
    /// nothing kept.
    fn default() -> Self {
        Self {
            id: String::new(),
            cpu: 1,
            memory_bytes: 1 << 30,
            disk_bytes: 3 << 30,
            inodes: 200_000,
            processes: 256,
            network: NetworkWish::default(),
            root: None,
            shared: Vec::new(),
            places: Vec::new(),
            env: BTreeMap::new(),
            keep_home: false,
            plain_home: false,
            shelf: None,
        }
    }
}

impl SandboxSpec {
    /// Whether it sees nothing but its home and the host's own programs, as
    /// those that are kept ready do.
    pub(super) fn is_plain(&self) -> bool {
        self.root.is_none() && self.shared.is_empty() && self.places.is_empty()
    }
}
