//! What is known and set of a running sandbox as a whole: its ports, what it
//! uses, its environment.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answer of `GET /port`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortList {
    /// The TCP ports something listens on.
    pub ports: Vec<u16>,
}

/// Answer of `GET /port/{port}/in-use`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortInUse {
    /// Whether something listens on it.
    pub is_in_use: bool,
}

/// Answer of `GET /system/metrics`; sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SystemMetrics {
    /// Processors it may use.
    pub cpu_count: i64,
    /// How much of them it uses, in percent.
    pub cpu_used_pct: f64,
    /// Memory it may use.
    pub mem_total: u64,
    /// Memory it uses.
    pub mem_used: u64,
    /// How much of that could be given back.
    pub mem_cache: u64,
    /// Disk it may use.
    pub disk_total: u64,
    /// Disk it uses.
    pub disk_used: u64,
    /// Disk that is left.
    pub disk_free: u64,
    /// When, as RFC 3339.
    pub timestamp: String,
    /// When, in seconds since 1970.
    pub timestamp_unix: i64,
}

/// Body of `POST /env`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateEnv {
    /// Variables to set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Variables to remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    /// Remove the variables whose value begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unset_value_prefix: Option<String>,
}

/// Answer of `GET /version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolboxVersion {
    /// The toolbox's version.
    pub version: String,
}
