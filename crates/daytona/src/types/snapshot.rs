//! Snapshots: what sandboxes are made from.

use super::{BuildInfo, CreateBuildInfo};
use serde::{Deserialize, Serialize};

/// A snapshot. Where Daytona's own clients demand a key that may be null, it is
/// written as null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Its id, a UUID.
    pub id: String,
    /// The organization that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Whether everyone may use it.
    #[serde(default)]
    pub general: bool,
    /// Its name, unique in the organization.
    pub name: String,
    /// The image it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub state: SnapshotState,
    /// Its size in GiB.
    #[serde(default)]
    pub size: Option<f64>,
    /// What runs when a sandbox starts.
    #[serde(default)]
    pub entrypoint: Option<Vec<String>>,
    /// Virtual CPUs of its sandboxes.
    #[serde(default)]
    pub cpu: f64,
    /// GPUs of its sandboxes.
    #[serde(default)]
    pub gpu: f64,
    /// Which GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_type: Option<String>,
    /// Memory of its sandboxes in GiB.
    #[serde(default)]
    pub mem: f64,
    /// Disk of its sandboxes in GiB.
    #[serde(default)]
    pub disk: f64,
    /// Why it is in an error state.
    #[serde(default)]
    pub error_reason: Option<String>,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
    /// When it was last used, as RFC 3339.
    #[serde(default)]
    pub last_used_at: Option<String>,
    /// How its image was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_info: Option<BuildInfo>,
    /// Where it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_ids: Option<Vec<String>>,
    /// The machine it was made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_runner_id: Option<String>,
    /// Its image in the provider's registry.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "ref")]
    pub reference: Option<String>,
    /// The sandbox it was taken of.
    #[serde(default)]
    pub source_sandbox_id: Option<String>,
    /// `container`, `linux-vm` or `windows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_class: Option<String>,
}

/// Where a snapshot stands. A word this crate does not know reads as `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Daytona's own words, which say it")]
pub enum SnapshotState {
    Building,
    Pending,
    Pulling,
    Snapshotting,
    Active,
    Inactive,
    Error,
    BuildFailed,
    Removing,
    #[default]
    #[serde(other)]
    Unknown,
}

impl SnapshotState {
    /// Whether it failed and stays so by itself.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Error | Self::BuildFailed)
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Pending => "pending",
            Self::Pulling => "pulling",
            Self::Snapshotting => "snapshotting",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Error => "error",
            Self::BuildFailed => "build_failed",
            Self::Removing => "removing",
            Self::Unknown => "unknown",
        }
    }
}

/// Body of `POST /snapshots`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateSnapshot {
    /// Its name.
    pub name: String,
    /// The image; it needs a tag or a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// What runs when a sandbox starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Virtual CPUs of its sandboxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// GPUs of its sandboxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    /// Which GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_type: Option<Vec<String>>,
    /// Memory of its sandboxes in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Disk of its sandboxes in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
    /// An image to build instead of one that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_info: Option<CreateBuildInfo>,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `container`, `linux-vm` or `windows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_class: Option<String>,
}

/// Which snapshots to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSnapshots {
    /// Which page, from 1.
    pub page: Option<u32>,
    /// Page size.
    pub limit: Option<u32>,
    /// Only those with this in their name.
    pub name: Option<String>,
    /// Only those taken of this sandbox.
    pub source_sandbox_id: Option<String>,
    /// By what they are sorted.
    pub sort: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
}

/// Answer of `GET /snapshots`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotPage {
    /// This page's.
    pub items: Vec<Snapshot>,
    /// How many there are.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are.
    pub total_pages: u64,
}
