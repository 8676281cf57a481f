//! Ways into a sandbox from outside: addresses of its ports, SSH, and the
//! settings of its network and life.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answer of `GET /sandbox/{id}/ports/{port}/preview-url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortPreview {
    /// The sandbox.
    pub sandbox_id: String,
    /// The address.
    pub url: String,
    /// What has to come with each request, unless the sandbox is public.
    pub token: String,
}

/// Answer of `GET /sandbox/{id}/ports/{port}/signed-preview-url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedPortPreview {
    /// The sandbox.
    pub sandbox_id: String,
    /// The port.
    pub port: u16,
    /// The token in the address.
    pub token: String,
    /// The address, which needs nothing else.
    pub url: String,
}

/// Answer of `POST /sandbox/{id}/ssh-access`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SshAccess {
    /// Its id.
    pub id: String,
    /// The sandbox.
    pub sandbox_id: String,
    /// The user name to sign in with.
    pub token: String,
    /// When it ends, as RFC 3339.
    pub expires_at: String,
    /// When it was given, as RFC 3339.
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    pub updated_at: String,
    /// What to type.
    pub ssh_command: String,
}

/// Answer of `GET /sandbox/ssh-access/validate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SshAccessValidation {
    /// Whether the token lets in.
    pub valid: bool,
    /// Where to.
    #[serde(default)]
    pub sandbox_id: String,
}

/// Answer of the calls that give an address alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub url: String,
}

/// Body of `POST /sandbox/{id}/network-settings`; at least one is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkSettings {
    /// No network at all; false alone clears the lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_block_all: Option<bool>,
    /// Up to ten IPv4 ranges it may reach, comma-separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_allow_list: Option<String>,
    /// Up to ten domains it may reach, comma-separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_allow_list: Option<String>,
}

/// Body of `POST /sandbox/{id}/resize`; at least one is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResizeSandbox {
    /// Virtual CPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Disk in GiB; it cannot shrink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
}

/// Body of `POST /sandbox/{id}/fork`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForkSandbox {
    /// The new sandbox's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Body of `POST /sandbox/{id}/snapshot`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateSandboxSnapshot {
    /// The snapshot's name.
    pub name: String,
    /// Also the memory of its processes.
    #[serde(default)]
    pub include_memory: bool,
}

/// Body of `PUT /sandbox/{id}/secrets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SandboxSecrets {
    /// Each a variable's name and the secret's; they replace the old ones.
    pub secrets: Vec<BTreeMap<String, String>>,
}

/// Body of `POST /sandbox/{id}/last-activity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LastActivity {
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<String>,
}
