//! One snapshot, as it is kept on disk.

use std::path::PathBuf;

use daytona::{BuildInfo, SnapshotState};
use serde::{Deserialize, Serialize};

use crate::builds::Start;
use crate::clock;
use crate::records::kept;

/// What a sandbox is made from, besides its size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Origin {
    /// The operator's image it runs on; none is the host's own programs.
    pub(crate) image: Option<String>,
    /// The archive its home begins with; none is an empty one. Not kept: the
    /// data directory may be moved.
    #[serde(skip)]
    pub(crate) seed: Option<PathBuf>,
    pub(crate) start: Start,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SnapshotRecord {
    pub(crate) id: String,
    /// Empty for a general one.
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) image_name: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) cpu: u32,
    /// GiB.
    pub(crate) memory: u32,
    /// GiB.
    pub(crate) disk: u32,
    pub(crate) state: SnapshotState,
    pub(crate) error_reason: Option<String>,
    /// Bytes of its archive; none when its homes begin empty.
    pub(crate) size: Option<u64>,
    pub(crate) build: Option<BuildInfo>,
    pub(crate) source_sandbox: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) last_used_ms: Option<i64>,
}

impl SnapshotRecord {
    /// A new one, active; the size is processors, GiB of memory, GiB of disk.
    pub(crate) fn new(organization: &str, name: &str, origin: Origin, size: (u32, u32, u32)) -> Self {
        let now = clock::now_ms();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            organization: organization.to_owned(),
            name: name.to_owned(),
            image_name: None,
            origin,
            cpu: size.0,
            memory: size.1,
            disk: size.2,
            state: SnapshotState::Active,
            error_reason: None,
            size: None,
            build: None,
            source_sandbox: None,
            created_ms: now,
            updated_ms: now,
            last_used_ms: None,
        }
    }

    /// When it was last used, changed or made active, in milliseconds since 1970.
    pub(crate) fn used_ms(&self) -> i64 {
        self.last_used_ms
            .map_or(self.updated_ms, |used| used.max(self.updated_ms))
    }

    /// Whether it is the engine's and everybody's.
    pub(crate) fn is_general(&self) -> bool {
        self.organization.is_empty()
    }
}

kept!(SnapshotRecord);
