//! The schedules of agents. When they are due is worked out here, on the
//! server: the browser knows no cron expressions and no zones but its own.

use crate::UiError;
use leptos::prelude::*;
use model::{Agent, AgentHook, AgentId, Firing, Millis, MissedPolicy, OverlapPolicy, Schedule, ScheduleId};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// A schedule with what its page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    /// The schedule.
    pub schedule: Schedule,
    /// Its agent's name in addresses.
    pub slug: String,
    /// Its agent's name.
    pub agent: String,
    /// The next times, as the clocks of its zone show them; none when it is off.
    pub next: Vec<String>,
    /// The newest times it was due, newest first, each with what the clocks showed.
    pub firings: Vec<(String, Firing)>,
}

/// What starts an agent by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTriggers {
    /// The agent.
    pub agent: Agent,
    /// Its schedules, oldest first.
    pub schedules: Vec<ScheduleView>,
    /// Its webhook.
    pub hook: Option<AgentHook>,
    /// The names of all time zones.
    pub zones: Vec<String>,
    /// The server's clock.
    pub now: Millis,
}

/// What starts an agent by itself.
#[server(prefix = "/fn", endpoint = "load_triggers", input = Json)]
pub async fn load_triggers(slug: String) -> Result<AgentTriggers, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    let store = crate::services::services()?.store;
    let agent = store.agent_by_slug(&caller.team, &slug).await?;
    super::trigger_words::triggers(agent).await
}

/// The schedules of all agents of the team, what is due next first.
#[server(prefix = "/fn", endpoint = "list_schedules", input = Json)]
pub async fn list_schedules() -> Result<Vec<ScheduleView>, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    super::trigger_words::all_schedules(&caller.team).await
}

/// The next times of a schedule that is being written.
#[server(prefix = "/fn", endpoint = "preview_schedule", input = Json)]
pub async fn preview_schedule(cron: String, zone: String) -> Result<Vec<String>, UiError> {
    crate::session::can(model::Permission::Read).await?;
    super::trigger_words::preview(cron, zone)
}

/// Gives an agent a schedule, which is on.
#[server(prefix = "/fn", endpoint = "create_schedule")]
pub async fn create_schedule(
    agent: AgentId,
    name: String,
    cron: String,
    zone: String,
    missed: MissedPolicy,
    overlap: OverlapPolicy,
) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let agent = crate::session::agent_of(&caller, &agent).await?;
    let said = model::NewSchedule {
        name,
        cron,
        zone,
        missed,
        overlap,
    };
    let runs = crate::services::services()?.runs;
    runs.create_schedule(&agent.id, &caller.user.id, said).await?;
    crate::session::send_form_on(&format!("/agents/{}/schedules", agent.slug));
    Ok(())
}

/// Changes a schedule, which stays on or off.
#[server(prefix = "/fn", endpoint = "update_schedule")]
pub async fn update_schedule(
    schedule: ScheduleId,
    name: String,
    cron: String,
    zone: String,
    missed: MissedPolicy,
    overlap: OverlapPolicy,
) -> Result<(), UiError> {
    let (schedule, slug) = super::trigger_words::changeable(&schedule).await?;
    let said = model::NewSchedule {
        name,
        cron,
        zone,
        missed,
        overlap,
    };
    let runs = crate::services::services()?.runs;
    runs.update_schedule(&schedule.id, said, schedule.is_on).await?;
    crate::session::send_form_on(&format!("/agents/{slug}/schedules"));
    Ok(())
}

/// Switches a schedule on or off.
#[server(prefix = "/fn", endpoint = "switch_schedule")]
pub async fn switch_schedule(schedule: ScheduleId, is_on: bool) -> Result<(), UiError> {
    let (schedule, slug) = super::trigger_words::changeable(&schedule).await?;
    let runs = crate::services::services()?.runs;
    runs.update_schedule(&schedule.id, schedule.said, is_on).await?;
    crate::session::send_form_on(&format!("/agents/{slug}/schedules"));
    Ok(())
}

/// Deletes a schedule. Its runs stay.
#[server(prefix = "/fn", endpoint = "delete_schedule")]
pub async fn delete_schedule(schedule: ScheduleId) -> Result<(), UiError> {
    let (schedule, slug) = super::trigger_words::changeable(&schedule).await?;
    let store = crate::services::services()?.store;
    store.delete_schedule(&schedule.id).await?;
    crate::session::send_form_on(&format!("/agents/{slug}/schedules"));
    Ok(())
}
