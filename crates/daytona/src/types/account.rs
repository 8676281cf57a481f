//! Who works with a provider, and how much they may use: keys, organizations,
//! regions.

use serde::{Deserialize, Serialize};

/// Body of `POST /api-keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateApiKey {
    /// Its name.
    pub name: String,
    /// What it may do, such as `write:sandboxes`.
    pub permissions: Vec<String>,
    /// When it ends, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Answer of `POST /api-keys`: the only time the key is shown. `Debug` does not
/// show it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiKey {
    /// Its name.
    pub name: String,
    /// The key.
    pub value: String,
    /// When it was made, as RFC 3339.
    pub created_at: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it ends, as RFC 3339; null never.
    #[serde(default)]
    pub expires_at: Option<String>,
}

impl std::fmt::Debug for CreatedApiKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CreatedApiKey")
            .field("name", &self.name)
            .field("permissions", &self.permissions)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A key as `GET /api-keys` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its name.
    pub name: String,
    /// The key with most of it hidden.
    #[serde(default)]
    pub value: String,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// What it may do.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// When it was last used, as RFC 3339.
    #[serde(default)]
    pub last_used_at: Option<String>,
    /// When it ends, as RFC 3339; null never.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Whose it is.
    #[serde(default)]
    pub user_id: String,
    /// For which organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
}

/// A region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The organization that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// `shared`, `dedicated` or `custom`.
    #[serde(default)]
    pub region_type: String,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
    /// Base of its previews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
    /// Its SSH gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_gateway_url: Option<String>,
    /// Its snapshot manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_manager_url: Option<String>,
    /// Where its telemetry goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otel_endpoint: Option<String>,
}

/// An organization, as far as it concerns those who use its sandboxes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who made it.
    #[serde(default)]
    pub created_by: String,
    /// Whether it is one person's own.
    #[serde(default)]
    pub personal: bool,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
    /// Whether it may not use anything now.
    #[serde(default)]
    pub suspended: bool,
    /// Everything else, as it came.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// Answer of `GET /organizations/{id}/usage`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationUsage {
    /// By region and class.
    pub region_usage: Vec<RegionUsage>,
    /// Snapshots it may have.
    pub total_snapshot_quota: f64,
    /// Snapshots it has.
    pub current_snapshot_usage: f64,
    /// Volumes it may have.
    pub total_volume_quota: f64,
    /// Volumes it has.
    pub current_volume_usage: f64,
}

/// What an organization uses in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegionUsage {
    /// The region.
    pub region_id: String,
    /// `container`, `linux-vm` or `windows`.
    pub sandbox_class: String,
    /// Virtual CPUs it may use.
    pub total_cpu_quota: f64,
    /// Virtual CPUs it uses.
    pub current_cpu_usage: f64,
    /// Memory it may use, in GiB.
    pub total_memory_quota: f64,
    /// Memory it uses, in GiB.
    pub current_memory_usage: f64,
    /// Disk it may use, in GiB.
    pub total_disk_quota: f64,
    /// Disk it uses, in GiB.
    pub current_disk_usage: f64,
    /// GPUs it may use.
    pub total_gpu_quota: f64,
    /// GPUs it uses.
    pub current_gpu_usage: f64,
    /// The most virtual CPUs of one sandbox; null for no bound.
    pub max_cpu_per_sandbox: Option<f64>,
    /// The most memory of one sandbox, in GiB.
    pub max_memory_per_sandbox: Option<f64>,
    /// The most disk of one sandbox, in GiB.
    pub max_disk_per_sandbox: Option<f64>,
    /// The most disk of one sandbox that is kept, in GiB.
    pub max_disk_per_non_ephemeral_sandbox: Option<f64>,
    /// The most virtual CPUs for each GPU.
    pub max_cpu_per_gpu: Option<f64>,
    /// The most memory for each GPU, in GiB.
    pub max_memory_per_gpu: Option<f64>,
    /// The most disk for each GPU, in GiB.
    pub max_disk_per_gpu: Option<f64>,
}

/// Answer of `GET /users/me`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    pub id: String,
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// Their address.
    #[serde(default)]
    pub email: String,
    /// Everything else, as it came.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}
