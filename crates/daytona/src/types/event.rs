//! What a provider tells about changes, by Socket.IO.

use super::{DesiredState, Sandbox, SandboxState};
use serde::{Deserialize, Serialize};

/// Names of the events.
pub mod events {
    /// A sandbox was made; with the sandbox.
    pub const SANDBOX_CREATED: &str = "sandbox.created";
    /// A sandbox changed; with [`super::SandboxStateUpdated`].
    pub const SANDBOX_STATE_UPDATED: &str = "sandbox.state.updated";
    /// A sandbox is to change; with [`super::SandboxDesiredStateUpdated`].
    pub const SANDBOX_DESIRED_STATE_UPDATED: &str = "sandbox.desired-state.updated";
    /// A snapshot was made.
    pub const SNAPSHOT_CREATED: &str = "snapshot.created";
    /// A snapshot changed.
    pub const SNAPSHOT_STATE_UPDATED: &str = "snapshot.state.updated";
    /// A snapshot was removed.
    pub const SNAPSHOT_REMOVED: &str = "snapshot.removed";
    /// A volume was made.
    pub const VOLUME_CREATED: &str = "volume.created";
    /// A volume changed.
    pub const VOLUME_STATE_UPDATED: &str = "volume.state.updated";
    /// A volume was used.
    pub const VOLUME_LAST_USED_AT_UPDATED: &str = "volume.lastUsedAt.updated";
}

/// A sandbox changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxStateUpdated {
    /// The sandbox as it is now.
    pub sandbox: Sandbox,
    /// Where it stood.
    #[serde(default)]
    pub old_state: SandboxState,
    /// Where it stands.
    #[serde(default)]
    pub new_state: SandboxState,
}

/// A sandbox is to change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxDesiredStateUpdated {
    /// The sandbox as it is now.
    pub sandbox: Sandbox,
    /// Where it was going.
    #[serde(default)]
    pub old_desired_state: DesiredState,
    /// Where it is going.
    #[serde(default)]
    pub new_desired_state: DesiredState,
}
