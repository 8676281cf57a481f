//! What the service says about itself and its addresses.

use serde::{Deserialize, Serialize};

/// Answer of `GET /config`, as far as it concerns clients of the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceConfig {
    /// The server's version.
    pub version: String,
    /// Base of the toolbox API.
    pub proxy_toolbox_url: String,
    /// Form of preview addresses, with `{{PORT}}` and `{{sandboxId}}`.
    pub proxy_template_url: String,
    /// The snapshot used when a create names none.
    pub default_snapshot: String,
    /// Where people go.
    pub dashboard_url: String,
    /// Everything else, as it came.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// Answer of `GET /health`, as far as the server gives one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// `ok` when all is well.
    pub status: String,
    /// Everything else, as it came; the embedded engine names its isolation here.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// Answer of `GET /sandbox/{id}/toolbox-proxy-url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolboxProxyUrl {
    /// Base of the toolbox API.
    pub url: String,
}

/// Answer of `GET /work-dir` and `GET /user-home-dir`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// The absolute path.
    pub dir: String,
}
