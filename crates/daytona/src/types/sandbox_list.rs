//! Listing sandboxes, page by page.

use super::{Sandbox, SandboxState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to list; only sandboxes that fit everything given. The list is
/// eventually consistent at Daytona: a sandbox just made may be missing for a
/// moment. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSandboxes {
    /// Only sandboxes that have all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Page size, 1 to 200; the server's default is 100.
    pub limit: Option<u32>,
    /// Where the page starts: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The one with this id.
    pub id: Option<String>,
    /// Those whose name begins so, in letters of any case.
    pub name: Option<String>,
    /// Those in one of these states.
    pub states: Vec<SandboxState>,
    /// Those of one of these snapshots.
    pub snapshots: Vec<String>,
    /// Those in one of these regions.
    pub region_ids: Vec<String>,
    /// Those of one of these classes.
    pub sandbox_classes: Vec<String>,
    /// At least so many virtual CPUs.
    pub min_cpu: Option<u32>,
    /// At most so many virtual CPUs.
    pub max_cpu: Option<u32>,
    /// At least so much memory.
    pub min_memory_gib: Option<u32>,
    /// At most so much memory.
    pub max_memory_gib: Option<u32>,
    /// At least so much disk.
    pub min_disk_gib: Option<u32>,
    /// At most so much disk.
    pub max_disk_gib: Option<u32>,
    /// At least so many GPUs.
    pub min_gpu: Option<u32>,
    /// At most so many GPUs.
    pub max_gpu: Option<u32>,
    /// Whether its previews need no token.
    pub is_public: Option<bool>,
    /// Whether it can be brought back from an error.
    pub is_recoverable: Option<bool>,
    /// Made after this.
    pub created_at_after: Option<String>,
    /// Made before this.
    pub created_at_before: Option<String>,
    /// Last used after this.
    pub last_event_after: Option<String>,
    /// Last used before this.
    pub last_event_before: Option<String>,
    /// Ending by itself after this.
    pub auto_destroy_at_after: Option<String>,
    /// Ending by itself before this.
    pub auto_destroy_at_before: Option<String>,
    /// Also those that failed and were deleted.
    pub include_errored_deleted: Option<bool>,
    /// Also those that stand ready in a warm pool.
    pub include_warm: Option<bool>,
    /// `name`, `cpu`, `memoryGib`, `diskGib`, `lastActivityAt` (when not given) or `createdAt`.
    pub sort: Option<String>,
    /// `asc` or `desc` (when not given).
    pub order: Option<String>,
}

impl ListSandboxes {
    /// All but the labels as names and values of a query; a list repeats its name.
    #[must_use]
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let numbers = [
            ("limit", self.limit),
            ("minCpu", self.min_cpu),
            ("maxCpu", self.max_cpu),
            ("minMemoryGiB", self.min_memory_gib),
            ("maxMemoryGiB", self.max_memory_gib),
            ("minDiskGiB", self.min_disk_gib),
            ("maxDiskGiB", self.max_disk_gib),
            ("minGpu", self.min_gpu),
            ("maxGpu", self.max_gpu),
        ];
        let choices = [
            ("isPublic", self.is_public),
            ("isRecoverable", self.is_recoverable),
            ("includeErroredDeleted", self.include_errored_deleted),
            ("includeWarm", self.include_warm),
        ];
        let texts = [
            ("cursor", &self.cursor),
            ("id", &self.id),
            ("name", &self.name),
            ("createdAtAfter", &self.created_at_after),
            ("createdAtBefore", &self.created_at_before),
            ("lastEventAfter", &self.last_event_after),
            ("lastEventBefore", &self.last_event_before),
            ("autoDestroyAtAfter", &self.auto_destroy_at_after),
            ("autoDestroyAtBefore", &self.auto_destroy_at_before),
            ("sort", &self.sort),
            ("order", &self.order),
        ];
        let lists = [
            ("snapshots", &self.snapshots),
            ("regionIds", &self.region_ids),
            ("sandboxClasses", &self.sandbox_classes),
        ];
        for (name, value) in texts {
            pairs.extend(value.iter().map(|value| (name, value.clone())));
        }
        for (name, value) in numbers {
            pairs.extend(value.map(|value| (name, value.to_string())));
        }
        for (name, value) in choices {
            pairs.extend(value.map(|value| (name, value.to_string())));
        }
        pairs.extend(
            self.states
                .iter()
                .map(|state| ("states", state.as_str().to_owned())),
        );
        for (name, values) in lists {
            pairs.extend(values.iter().map(|value| (name, value.clone())));
        }
        pairs
    }
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
