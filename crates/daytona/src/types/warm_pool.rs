//! Warm pools: sandboxes that stand ready.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pool of sandboxes that stand ready.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarmPool {
    /// Its id.
    pub id: String,
    /// The organization that owns it.
    #[serde(default)]
    pub organization_id: String,
    /// The snapshot its sandboxes are made from.
    pub snapshot: String,
    /// The region.
    #[serde(default)]
    pub target: String,
    /// How many are to stand ready.
    pub pool: f64,
    /// How many do.
    #[serde(default)]
    pub current_size: f64,
    /// Virtual CPUs of each.
    #[serde(default)]
    pub cpu: f64,
    /// Memory of each in GiB.
    #[serde(default)]
    pub mem: f64,
    /// Disk of each in GiB.
    #[serde(default)]
    pub disk: f64,
    /// The user of their processes.
    #[serde(default)]
    pub os_user: String,
    /// The variables of their processes.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Why it cannot be filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
}

/// Body of `POST /warm-pools`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateWarmPool {
    /// The snapshot.
    pub snapshot: String,
    /// How many are to stand ready.
    pub pool: u32,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// Body of `PATCH /warm-pools/{id}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateWarmPool {
    /// How many are to stand ready.
    pub pool: u32,
}
