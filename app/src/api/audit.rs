//! The audit log of the current team.

use crate::UiError;
use leptos::prelude::*;
use model::AuditRecord;
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// How many records a page shows.
pub const AUDIT_PAGE: u32 = 50;

/// What is looked for, as the page's address says it. Days are such as `2026-11-26`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWanted {
    /// A part of a name, or an id.
    pub who: String,
    /// An action, or the kind of thing it is done to.
    pub action: String,
    /// A part of a name, or an id.
    pub target: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Only records before the one of this number.
    pub before: String,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPageData {
    /// The newest first.
    pub records: Vec<AuditRecord>,
    /// The number to go on before; none at the end.
    pub older: Option<i64>,
}

/// Records of the current team, the newest first.
#[server(prefix = "/fn", endpoint = "load_audit", input = Json)]
pub async fn load_audit(wanted: AuditWanted) -> Result<AuditPageData, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    super::words::audit_page(&caller, &wanted).await
}
