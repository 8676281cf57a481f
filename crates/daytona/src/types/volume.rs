//! Volumes: folders that several sandboxes share and that outlive them.

use serde::{Deserialize, Serialize};

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its id, a UUID.
    pub id: String,
    /// Its name, unique in the organization.
    pub name: String,
    /// The organization that owns it.
    #[serde(default)]
    pub organization_id: String,
    /// Where it stands.
    #[serde(default)]
    pub state: VolumeState,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
    /// When it was last used, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// Why it is in an error state; written as null when there is no reason.
    #[serde(default)]
    pub error_reason: Option<String>,
}

/// Where a volume stands. A word this crate does not know reads as `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Daytona's own words, which say it")]
pub enum VolumeState {
    Creating,
    Ready,
    PendingCreate,
    PendingDelete,
    Deleting,
    Deleted,
    Error,
    #[default]
    #[serde(other)]
    Unknown,
}

/// Body of `POST /volumes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVolume {
    /// Its name.
    pub name: String,
}
