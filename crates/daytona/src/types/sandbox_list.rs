//! Listing sandboxes, page by page.

use super::Sandbox;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to list. The list is eventually consistent at Daytona: a sandbox just
/// made may be missing for a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSandboxes {
    /// Only sandboxes that have all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Page size, 1 to 200; the server's default is 100.
    pub limit: Option<u32>,
    /// Where the page starts: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxPage {
    /// The sandboxes.
    pub items: Vec<Sandbox>,
    /// Where the next page starts; null on the last one.
    #[serde(default)]
    pub next_cursor: Option<String>,
}
