//! `GET /api/v1/audit/export`: the team's records, as JSON lines that can be
//! checked, or as CSV.

use super::super::{
    Site, csv,
    permission::{Administer, Can},
    refusal::Refusal,
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use model::{AuditRecord, Invalid, audit::filter_of, calendar::timestamp};
use serde::Deserialize;

/// How many are read at once.
const PAGE: u32 = 500;

const HEAD: [&str; 16] = [
    "seq",
    "time",
    "at",
    "team",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "target_kind",
    "target_id",
    "target_name",
    "address",
    "user_agent",
    "details",
    "previous",
    "hash",
];

/// Which records, and how they are written.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Wanted {
    /// `jsonl`, whose lines can be checked against their chain, or `csv`.
    #[param(pattern = "^(jsonl|csv)?$", required = false)]
    format: String,
    /// Only of actors whose name or id has this in it.
    #[param(required = false)]
    who: String,
    /// Only of these actions: `run`, or `run.start`.
    #[param(required = false)]
    action: String,
    /// Only of what has this in its name or id.
    #[param(required = false)]
    target: String,
    /// Only from this day of UTC on, such as `2026-11-26`.
    #[param(required = false, pattern = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
    from: String,
    /// Only up to this day of UTC.
    #[param(required = false, pattern = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
    to: String,
}

/// Exports the audit log
///
/// The team’s records, oldest first.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "Team", operation_id = "export_audit", params(Wanted),
    responses((status = 200, description = "The records", content((String = "application/x-ndjson"), (String = "text/csv; charset=utf-8")))))]
pub async fn export(
    can: Can<Administer>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let filter = filter_of(
        &wanted.who,
        &wanted.action,
        &wanted.target,
        &wanted.from,
        &wanted.to,
    )?;
    let is_csv = match wanted.format.as_str() {
        "" | "jsonl" => false,
        "csv" => true,
        other => {
            return Err(Invalid(format!(
                "\u{201c}{other}\u{201d} is no format. Choose jsonl or csv."
            ))
            .into());
        }
    };
    let (store, team) = (site.services.store, can.team);
    let next = move |after: i64| {
        let (store, team, filter) = (store.clone(), team.clone(), filter.clone());
        async move {
            let found = store.audit_records_after(&team, &filter, after, PAGE).await?;
            let Some(last) = found.last().map(|record| record.seq) else {
                return Ok(None);
            };
            let line = if is_csv { csv_line } else { json_line };
            Ok(Some((found.iter().map(line).collect(), last)))
        }
    };
    Ok(if is_csv {
        csv::file("audit.csv", "text/csv; charset=utf-8", csv::line(HEAD), 0, next)
    } else {
        csv::file("audit.jsonl", "application/x-ndjson", String::new(), 0, next)
    })
}

fn json_line(record: &AuditRecord) -> String {
    // A record has text keys and no failing parts.
    serde_json::to_string(record).unwrap_or_default() + "\n"
}

fn csv_line(record: &AuditRecord) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let fields = [
        record.seq.to_string(),
        timestamp(record.at),
        record.at.0.to_string(),
        record.team.as_ref().map(ToString::to_string).unwrap_or_default(),
        record.actor_kind.as_str().to_owned(),
        text(&record.actor_id),
        record.actor_name.clone(),
        record.action.clone(),
        text(&record.target_kind),
        text(&record.target_id),
        text(&record.target_name),
        text(&record.address),
        text(&record.user_agent),
        serde_json::to_string(&record.details).unwrap_or_default(),
        record.previous.clone(),
        record.hash.clone(),
    ];
    csv::line(fields.iter().map(String::as_str))
}
