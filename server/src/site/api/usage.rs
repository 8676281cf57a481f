//! `GET /api/v1/usage/export`: every time of every sandbox of a month, as CSV.

use super::super::{
    Site, csv,
    permission::{Can, Read},
    refusal::Refusal,
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use model::{UsageInterval, calendar::timestamp};
use serde::Deserialize;

/// How many are read at once.
const PAGE: u32 = 500;

const HEAD: [&str; 17] = [
    "started_at",
    "ended_at",
    "open",
    "state",
    "sandbox",
    "provider",
    "agent",
    "agent_name",
    "run",
    "member",
    "member_name",
    "cpu",
    "memory_gib",
    "disk_gib",
    "seconds",
    "rate_per_hour",
    "cost",
];

/// Of which month.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Such as `2026-11`; this one when nothing is said.
    #[param(pattern = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$")]
    pub month: Option<String>,
}

/// Exports a month’s usage
///
/// Every time of every sandbox, as CSV with a line of names.
#[utoipa::path(get, path = "/api/v1/usage/export", tag = "Team", operation_id = "export_usage", params(Wanted),
    responses((status = 200, body = String, content_type = "text/csv; charset=utf-8")))]
pub async fn export(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let month = csv::month(wanted.month.as_deref())?;
    let (from, to) = (month.first_day(), month.next().first_day());
    let (store, team) = (site.services.store, can.team);
    let next = move |place: Option<Option<String>>| {
        let (store, team) = (store.clone(), team.clone());
        async move {
            let Some(after) = place else { return Ok(None) };
            let (found, last) = store
                .usage_intervals(&team, from, to, after.as_deref(), PAGE)
                .await?;
            let lines: String = found.iter().map(line).collect();
            Ok(last.map(|last| (lines, Some(Some(last)))))
        }
    };
    let name = format!("usage-{month}.csv");
    Ok(csv::file(
        &name,
        "text/csv; charset=utf-8",
        csv::line(HEAD),
        Some(None),
        next,
    ))
}

fn line(interval: &UsageInterval) -> String {
    let took = interval.ended_at.since(interval.started_at);
    let resources = interval.resources;
    let fields = [
        timestamp(interval.started_at),
        timestamp(interval.ended_at),
        interval.is_open.to_string(),
        interval.state.as_str().to_owned(),
        interval.sandbox.to_string(),
        interval.provider.as_str().to_owned(),
        interval.agent.to_string(),
        interval.agent_name.clone(),
        interval.run.as_ref().map(ToString::to_string).unwrap_or_default(),
        interval
            .member
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        interval.member_name.clone().unwrap_or_default(),
        resources.cpu.to_string(),
        resources.memory_gib.to_string(),
        resources.disk_gib.to_string(),
        format!("{}.{:03}", took / 1000, took % 1000),
        interval.rate.exact(),
        interval.cost.exact(),
    ];
    csv::line(fields.iter().map(String::as_str))
}
