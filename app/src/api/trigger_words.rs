//! What the server functions of schedules and webhooks put together from
//! several calls.

use super::{AgentTriggers, ScheduleView};
use crate::{UiError, services::services};
use model::{
    Agent, Millis, MissedPolicy, NewSchedule, OverlapPolicy, Permission, Schedule, ScheduleId, TeamId,
};
use runs::schedules::{Calendar, next_times, zones};

/// How many of the times a schedule was due are shown with it.
const SHOWN_FIRINGS: u32 = 10;

/// What starts an agent by itself.
pub async fn triggers(agent: Agent) -> Result<AgentTriggers, UiError> {
    let store = services()?.store;
    let mut schedules = Vec::new();
    for schedule in store.schedules_of(&agent.id).await? {
        let names = (agent.slug.clone(), agent.settings.name.clone());
        schedules.push(view(schedule, names, SHOWN_FIRINGS).await?);
    }
    Ok(AgentTriggers {
        hook: store.hook_of(&agent.id).await?,
        agent,
        schedules,
        zones: zones(),
        now: Millis::now(),
    })
}

/// The schedules of all agents of a team.
pub async fn all_schedules(team: &TeamId) -> Result<Vec<ScheduleView>, UiError> {
    let mut views = Vec::new();
    for found in services()?.store.list_schedules(team).await? {
        views.push(view(found.schedule, (found.slug, found.agent), 1).await?);
    }
    Ok(views)
}

async fn view(
    schedule: Schedule,
    (slug, agent): (String, String),
    firings: u32,
) -> Result<ScheduleView, UiError> {
    let firings = services()?.store.firings(&schedule.id, firings).await?;
    let calendar = Calendar::parse(&schedule.said).ok();
    let words = |at| {
        calendar
            .as_ref()
            .map_or_else(String::new, |calendar| calendar.words(at))
    };
    let next = match schedule.is_on {
        true => next_times(&schedule.said, Millis::now()),
        false => Vec::new(),
    };
    Ok(ScheduleView {
        slug,
        agent,
        next: next.into_iter().map(|(_, words)| words).collect(),
        firings: firings
            .into_iter()
            .map(|firing| (words(firing.due_at), firing))
            .collect(),
        schedule,
    })
}

/// The next times of what was typed.
pub fn preview(cron: String, zone: String) -> Result<Vec<String>, UiError> {
    let said = NewSchedule {
        name: "preview".to_owned(),
        cron,
        zone,
        missed: MissedPolicy::Skip,
        overlap: OverlapPolicy::Skip,
    };
    let checked = said.check().and_then(|said| {
        let now = Millis::now();
        Calendar::parse(&said)?.first(now)?;
        Ok(next_times(&said, now))
    });
    let times = checked.map_err(|error| UiError::from(error).with_status())?;
    Ok(times.into_iter().map(|(_, words)| words).collect())
}

/// A schedule of the caller's team, if they may change it, and its agent's name in addresses.
pub async fn changeable(schedule: &ScheduleId) -> Result<(Schedule, String), UiError> {
    let caller = crate::session::can(Permission::Administer).await?;
    let schedule = services()?.store.schedule(schedule).await?;
    let agent = crate::session::agent_of(&caller, &schedule.agent).await?;
    Ok((schedule, agent.slug))
}
