//! What a sandbox is to be: its limits, its network, its environment.

use std::collections::BTreeMap;

use crate::network::NetworkWish;

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
    /// Added to `Sandbox::base_env`; wins over it.
    pub env: BTreeMap<String, String>,
    /// Keep the home folder on the host's disk after the sandbox is destroyed.
    pub keep_home: bool,
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
            env: BTreeMap::new(),
            keep_home: false,
        }
    }
}
