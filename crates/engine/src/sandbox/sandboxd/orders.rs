//! What the engine orders from sandboxd, and what sandboxd reports.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sandbox::{Enforcer, Level, SandboxSpec, SharedFolder, Wiring};

/// One numbered order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The sandbox it is about; the engine picks a new number for each.
    pub(crate) slot: u64,
    pub(crate) action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    /// Make the sandbox; answered by `Created` with the control socket.
    Create(Box<Plan>),
    /// Change its limits; answered by `Limited`.
    Limit(Limits),
    /// Tell what it uses; answered by `Measured`.
    Measure,
    /// End it; answered by `Gone`, also when there is none.
    Kill,
}

/// Everything needed to build one sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) level: Level,
    /// The uid of a kept home's files; `None` lets sandboxd pick a free one.
    pub(crate) uid: Option<u32>,
    /// The root file system it runs on instead of the host's own programs.
    pub(crate) root: Option<PathBuf>,
    pub(crate) binds: Vec<Bind>,
    pub(crate) shared: Vec<SharedFolder>,
    /// Folders outside the home whose files are kept in it.
    pub(crate) places: Vec<PathBuf>,
    pub(crate) home: Home,
    pub(crate) limits: Limits,
    pub(crate) wiring: Wiring,
}

/// A folder of the host that is visible, read-only, in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bind {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
}

/// What holds the home folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Home {
    /// Memory; gone with the sandbox.
    Memory,
    /// An ext4 image file, mounted through a loop device.
    Image(PathBuf),
    /// A folder of the host.
    Folder(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) cpu: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) disk_bytes: u64,
    pub(crate) inodes: u64,
    pub(crate) processes: u32,
}

impl Limits {
    pub(crate) fn of(spec: &SandboxSpec) -> Self {
        Self {
            cpu: spec.cpu,
            memory_bytes: spec.memory_bytes,
            disk_bytes: spec.disk_bytes,
            inodes: spec.inodes,
            processes: spec.processes,
        }
    }
}

/// What holds each limit of one sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enforced {
    pub(crate) memory: Enforcer,
    pub(crate) processes: Enforcer,
    pub(crate) cpu: Enforcer,
}

impl Enforced {
    /// Whether all three can be changed while the sandbox lives.
    pub(crate) fn all_by_cgroup(self) -> bool {
        let by_cgroup = |enforcer| matches!(enforcer, Enforcer::CgroupV1 | Enforcer::CgroupV2);
        [self.memory, self.processes, self.cpu].into_iter().all(by_cgroup)
    }
}

/// What sandboxd reports about one sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct News {
    pub(crate) slot: u64,
    pub(crate) event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// It was forked; its pid 1 speaks on the socket that comes along.
    Created { uid: u32, enforced: Enforced },
    /// It could not be made.
    Refused { reason: String, errno: i32 },
    /// Whether the limits were changed.
    Limited { changed: bool },
    /// What it uses.
    Measured(Measure),
    /// It is not there any more, nor is anything of it.
    Gone(Cause),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub(crate) memory_bytes: u64,
    pub(crate) cache_bytes: u64,
    pub(crate) cpu_micros: u64,
    pub(crate) processes: u32,
}

/// Why a sandbox ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cause {
    /// The engine ordered it.
    Killed,
    /// Its memory limit ended its pid 1.
    OutOfMemory,
    /// Its pid 1 exited with this code.
    Exited(i32),
    /// A signal ended its pid 1.
    Signalled(i32),
    /// There was none.
    Unknown,
}
