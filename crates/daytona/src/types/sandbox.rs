//! Sandboxes of the control plane.

use super::number::{optional_whole, whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The label that carries a sandbox's language (`python`, `typescript`,
/// `javascript`); the official SDKs write it on create and read it back.
pub const LANGUAGE_LABEL: &str = "code-toolbox-language";

/// A sandbox, as create, get and list answer it. List items of the cloud leave
/// out `env` and `kvm`; reading fills them with their defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sandbox {
    /// Its id, a UUID.
    pub id: String,
    /// The organization that owns it.
    #[serde(default)]
    pub organization_id: String,
    /// Its name, unique in the organization; the id unless one was given.
    #[serde(default)]
    pub name: String,
    /// The snapshot it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The user its processes run as.
    #[serde(default)]
    pub user: String,
    /// Environment variables of all its processes.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Labels, to find it again.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Whether its previews need no token.
    #[serde(default)]
    pub public: bool,
    /// Whether it has no network at all.
    #[serde(default)]
    pub network_block_all: bool,
    /// IPv4 ranges it may reach, comma-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_allow_list: Option<String>,
    /// Domains it may reach, comma-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_allow_list: Option<String>,
    /// Whether it has /dev/kvm.
    #[serde(default)]
    pub kvm: bool,
    /// The region it lives in.
    #[serde(default)]
    pub target: String,
    /// Virtual CPUs.
    #[serde(default, deserialize_with = "whole")]
    pub cpu: u32,
    /// GPUs.
    #[serde(default, deserialize_with = "whole")]
    pub gpu: u32,
    /// Memory in GiB.
    #[serde(default, deserialize_with = "whole")]
    pub memory: u32,
    /// Disk in GiB.
    #[serde(default, deserialize_with = "whole")]
    pub disk: u32,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SandboxState>,
    /// Where it is going.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_state: Option<DesiredState>,
    /// Why it is in an error state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// Whether `recover` may bring it back from an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recoverable: Option<bool>,
    /// State of its backup: `None`, `Pending`, `InProgress`, `Completed` or `Error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_state: Option<String>,
    /// When its last backup was made, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_created_at: Option<String>,
    /// Minutes without activity until it stops; 0 never.
    #[serde(
        default,
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_stop_interval: Option<i64>,
    /// Minutes without activity until it pauses; 0 never.
    #[serde(
        default,
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_pause_interval: Option<i64>,
    /// Minutes stopped until it is archived.
    #[serde(
        default,
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_archive_interval: Option<i64>,
    /// Minutes stopped until it is deleted; 0 at once (ephemeral), -1 never.
    #[serde(
        default,
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_delete_interval: Option<i64>,
    /// When its time to live ends, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_destroy_at: Option<String>,
    /// Volumes mounted in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<SandboxVolume>>,
    /// How its image was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_info: Option<BuildInfo>,
    /// The sandbox it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_sandbox_id: Option<String>,
    /// When it was made, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When its record last changed, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// When it was last used, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<String>,
    /// `container`, `linux-vm` or `windows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_class: Option<String>,
    /// Version of the toolbox in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon_version: Option<String>,
    /// The machine it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_id: Option<String>,
    /// The warm pool it stood ready in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_pool_id: Option<String>,
    /// When it gave up waiting for a place, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timed_out_at: Option<String>,
    /// Base of the toolbox API, without the id and without a slash at the end.
    /// May be empty: then it has to be asked for.
    #[serde(default)]
    pub toolbox_proxy_url: String,
    /// What only the embedded engine can say.
    #[serde(rename = "x-pitlane", default, skip_serializing_if = "Option::is_none")]
    pub pitlane: Option<PitlaneFacts>,
}

/// Facts about a sandbox of the embedded engine, under the key `x-pitlane`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PitlaneFacts {
    /// Whether it was taken from the pool of prepared ones.
    pub warm: bool,
    /// The isolation it has, in words.
    pub isolation: String,
    /// How its programs get out, where they may: `off`, `proxy` or `tun`.
    pub network: String,
    /// Whether lists of packages can be asked for, see [`crate::InstallPackages`].
    pub packages: bool,
    /// Milliseconds from the request to readiness.
    pub created_in_ms: f64,
    /// Version of its Python.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// Version of its Node.js.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// Where a sandbox stands. A word this crate does not know reads as `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Daytona's own words, which say it")]
pub enum SandboxState {
    Creating,
    Restoring,
    Destroyed,
    Destroying,
    Started,
    Stopped,
    Starting,
    Stopping,
    Error,
    BuildFailed,
    PendingBuild,
    BuildingSnapshot,
    PullingSnapshot,
    Archived,
    Archiving,
    Resizing,
    Snapshotting,
    Forking,
    Pausing,
    Paused,
    Resuming,
    #[default]
    #[serde(other)]
    Unknown,
}

impl SandboxState {
    /// Whether the sandbox failed and stays so by itself.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Error | Self::BuildFailed)
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Restoring => "restoring",
            Self::Destroyed => "destroyed",
            Self::Destroying => "destroying",
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Error => "error",
            Self::BuildFailed => "build_failed",
            Self::PendingBuild => "pending_build",
            Self::BuildingSnapshot => "building_snapshot",
            Self::PullingSnapshot => "pulling_snapshot",
            Self::Archived => "archived",
            Self::Archiving => "archiving",
            Self::Resizing => "resizing",
            Self::Snapshotting => "snapshotting",
            Self::Forking => "forking",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Resuming => "resuming",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a sandbox is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Daytona's own words, which say it")]
pub enum DesiredState {
    Destroyed,
    Started,
    Stopped,
    Resized,
    Archived,
    Paused,
    #[default]
    #[serde(other)]
    Unknown,
}

/// A volume in a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxVolume {
    /// The volume.
    pub volume_id: String,
    /// Where it is mounted.
    pub mount_path: String,
    /// Which part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subpath: Option<String>,
}

/// How an image was built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildInfo {
    /// The Dockerfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile_content: Option<String>,
    /// Hashes of the files it copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_hashes: Option<Vec<String>>,
    /// When it was asked for, as RFC 3339.
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    pub updated_at: String,
    /// The image it became.
    pub snapshot_ref: String,
}

/// Body and answer of `PUT /sandbox/{id}/labels`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxLabels {
    /// All labels; they replace the old ones.
    pub labels: BTreeMap<String, String>,
}
