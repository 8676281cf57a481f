//! The request for a sandbox.

use super::SandboxVolume;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The build asked for at create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateBuildInfo {
    /// The Dockerfile, such as `FROM debian:12.9\n`.
    pub dockerfile_content: String,
    /// Hashes of the files it copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_hashes: Option<Vec<String>>,
}

/// The request for a sandbox; everything is optional.
///
/// Daytona's cloud refuses `cpu`, `memory` and `disk` without `build_info`
/// (400); the embedded engine takes them. Which to send is the caller's choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateSandbox {
    /// Its name, unique; the id when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The snapshot, by name or id; the server's default when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The user its processes run as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Environment variables. The provider shows them in clear text to everyone
    /// who may read the sandbox: no secrets here.
    pub env: BTreeMap<String, String>,
    /// Labels, to find it again.
    pub labels: BTreeMap<String, String>,
    /// Whether its previews need no token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Whether it has no network at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_block_all: Option<bool>,
    /// Whether it wants /dev/kvm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvm: Option<bool>,
    /// Up to ten IPv4 ranges it may reach, comma-separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_allow_list: Option<String>,
    /// Up to ten domains it may reach, comma-separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_allow_list: Option<String>,
    /// The proxy its traffic is to go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_proxy_url: Option<String>,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Virtual CPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    /// Memory in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Disk in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
    /// Minutes without activity until it stops; 0 never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_stop_interval: Option<i64>,
    /// Minutes without activity until it pauses; 0 never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_pause_interval: Option<i64>,
    /// Minutes stopped until it is archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_archive_interval: Option<i64>,
    /// Minutes stopped until it is deleted; 0 at once (ephemeral), -1 never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_delete_interval: Option<i64>,
    /// Minutes until it is deleted in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<i64>,
    /// Volumes to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<SandboxVolume>>,
    /// An image to build instead of a snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_info: Option<CreateBuildInfo>,
    /// Secrets to hand in: environment name to secret name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<BTreeMap<String, String>>>,
    /// The sandbox this one belongs to: it goes when that one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_sandbox: Option<String>,
}
