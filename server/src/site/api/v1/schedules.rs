//! Schedules of an agent: list, make, change, switch off, delete, and what came
//! of the times they were due.

use super::{
    super::super::{
        Site,
        permission::{Administer, Can, Read},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    given::Given,
    once::{Made, once},
    page::{Page, Wanted},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use model::{AgentId, Firing, Millis, MissedPolicy, NewSchedule, OverlapPolicy, Schedule, ScheduleId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many of the times a schedule was due are told.
const TOLD_FIRINGS: u32 = 50;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_create, _, _>(create),
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_change, _, _>(change),
        endpoint::<__path_delete, _, _>(delete),
    ]
}

/// A schedule to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "every morning", "cron": "0 9 * * MON-FRI", "zone": "Europe/Berlin"}))]
pub struct ScheduleWanted {
    /// What it is for.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// Minute, hour, day of the month, month and day of the week; or `@daily` and its like.
    #[schema(min_length = 1, max_length = 200)]
    cron: String,
    /// A name of the IANA time zone database; UTC when nothing is said.
    zone: Option<String>,
    /// What becomes of times at which no server was running.
    #[serde(default)]
    missed: MissedPolicy,
    /// What becomes of a time at which the former run goes on.
    #[serde(default)]
    overlap: OverlapPolicy,
}

/// What of a schedule is to be another; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_on": false}))]
pub struct ScheduleChange {
    /// What it is for.
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// When it is due.
    #[schema(min_length = 1, max_length = 200)]
    cron: Option<String>,
    /// The time zone.
    zone: Option<String>,
    /// What becomes of times at which no server was running.
    missed: Option<MissedPolicy>,
    /// What becomes of a time at which the former run goes on.
    overlap: Option<OverlapPolicy>,
    /// Whether it fires.
    is_on: Option<bool>,
}

/// A schedule, with its next times and what came of the last.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleTold {
    #[serde(flatten)]
    schedule: Schedule,
    /// The next five times.
    next: Vec<Millis>,
    /// The newest times it was due, newest first, 50 at most.
    firings: Vec<Firing>,
}

/// Lists the schedules of an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}/schedules", tag = "Schedules", operation_id = "list_schedules",
    params(("agent" = String, Path, description = "Its id or slug"), Wanted),
    responses((status = 200, body = Page<Schedule>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Path(agent): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Schedule>>, Refusal> {
    let agent = can.agent_named(&site, &agent).await?;
    let schedules = site.services.store.schedules_of(&agent.id).await?;
    let page = Page::of_all(
        schedules,
        &wanted,
        |schedule| schedule.id.to_string(),
        |schedule| schedule,
    )?;
    Ok(Json(page))
}

/// Makes a schedule of an agent
///
/// It is on at once.
#[utoipa::path(post, path = "/api/v1/agents/{agent}/schedules", tag = "Schedules", operation_id = "create_schedule",
    params(("agent" = String, Path, description = "Its id or slug")), request_body = ScheduleWanted,
    responses((status = 201, body = Schedule)))]
pub async fn create(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(agent): Path<String>,
    given: Given<ScheduleWanted>,
) -> Result<Response, Refusal> {
    let agent: AgentId = can.agent_named(&site, &agent).await?.id;
    let wanted = given.body;
    let said = NewSchedule {
        name: wanted.name,
        cron: wanted.cron,
        zone: wanted.zone.unwrap_or_else(|| "UTC".to_owned()),
        missed: wanted.missed,
        overlap: wanted.overlap,
    };
    let (runs, user) = (site.services.runs.clone(), can.user.id.clone());
    once(&site, &can, given.asked, async move {
        let schedule = runs.create_schedule(&agent, &user, said).await?;
        Made::at(format!("/api/v1/schedules/{}", schedule.id), &schedule)
    })
    .await
}

/// Shows a schedule
#[utoipa::path(get, path = "/api/v1/schedules/{schedule}", tag = "Schedules", operation_id = "show_schedule",
    params(("schedule" = ScheduleId, Path, description = "Its id")),
    responses((status = 200, body = ScheduleTold)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<ScheduleTold>, Refusal> {
    let schedule = of_team(&can, &site, &id).await?;
    let firings = site.services.store.firings(&schedule.id, TOLD_FIRINGS).await?;
    let next = match schedule.is_on {
        true => runs::schedules::next_times(&schedule.said, Millis::now()),
        false => Vec::new(),
    };
    Ok(Json(ScheduleTold {
        next: next.into_iter().map(|(at, _)| at).collect(),
        schedule,
        firings,
    }))
}

/// Changes a schedule
#[utoipa::path(patch, path = "/api/v1/schedules/{schedule}", tag = "Schedules", operation_id = "change_schedule",
    params(("schedule" = ScheduleId, Path, description = "Its id")), request_body = ScheduleChange,
    responses((status = 200, body = Schedule)))]
pub async fn change(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
    given: Given<ScheduleChange>,
) -> Result<Json<Schedule>, Refusal> {
    let schedule = of_team(&can, &site, &id).await?;
    let (change, was) = (given.body, schedule.said);
    let said = NewSchedule {
        name: change.name.unwrap_or(was.name),
        cron: change.cron.unwrap_or(was.cron),
        zone: change.zone.unwrap_or(was.zone),
        missed: change.missed.unwrap_or(was.missed),
        overlap: change.overlap.unwrap_or(was.overlap),
    };
    let is_on = change.is_on.unwrap_or(schedule.is_on);
    site.services
        .runs
        .update_schedule(&schedule.id, said, is_on)
        .await?;
    Ok(Json(site.services.store.schedule(&schedule.id).await?))
}

/// Deletes a schedule
///
/// Its runs stay.
#[utoipa::path(delete, path = "/api/v1/schedules/{schedule}", tag = "Schedules", operation_id = "delete_schedule",
    params(("schedule" = ScheduleId, Path, description = "Its id")),
    responses((status = 204, description = "It is deleted")))]
pub async fn delete(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let schedule = of_team(&can, &site, &id).await?;
    site.services.store.delete_schedule(&schedule.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The team's schedule of this id.
async fn of_team<P>(can: &Can<P>, site: &Site, id: &str) -> Result<Schedule, Refusal> {
    let store = &site.services.store;
    let schedule = store.schedule(&ScheduleId::parse(id)?).await?;
    // Another team's is not there.
    store.agent_in(&can.team, &schedule.agent).await?;
    Ok(schedule)
}
