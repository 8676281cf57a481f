//! Schedules: agents that run by themselves.
//!
//! ```text
//!  schedule ──due──▶ claim: one row per (schedule, time), and the next time, in one transaction
//!                      │ waiting (at this server; at another when this one is gone)
//!                      ├─ the former run goes on ─▶ skipped, or waits for its end, or stops it
//!                      └─ start, under the run's id in the row ─▶ started
//! ```
//! Each step may be the last of a process. Until the claim is written nothing
//! has happened; from then on the row says which run is to be started, and
//! starting it twice is one run. So a time is fired at exactly once, whatever
//! ends when, and whichever servers look at the same moment.
//!
//! Every server looks every second. Clocks of servers may differ: the time
//! that was claimed is in the schedule's row, and is no longer due for anybody.

mod calendar;
mod fire;
mod plan;

pub use calendar::{Calendar, zones};

use crate::{Runs, RunsError};
use fire::fire;
use model::{AgentId, Millis, NewSchedule, RunId, Schedule, ScheduleId, UserId, schedule::SHOWN_TIMES};
use plan::plan;
use store::{Claim, StoreError};

impl Runs {
    /// Keeps a new schedule, which is on.
    ///
    /// # Errors
    /// When its expression or zone cannot be read, it is never due, or it breaks another rule.
    pub async fn create_schedule(
        &self,
        agent: &AgentId,
        user: &UserId,
        said: NewSchedule,
    ) -> Result<Schedule, RunsError> {
        let said = said.check()?;
        let next = Calendar::parse(&said)?.first(Millis::now())?;
        let store = &self.context.store;
        Ok(store.create_schedule(agent, user, said, Some(next)).await?)
    }

    /// Changes a schedule, and switches it on or off. Times that passed while it was off are not missed.
    ///
    /// # Errors
    /// As [`Runs::create_schedule`], and when there is no such schedule.
    pub async fn update_schedule(
        &self,
        id: &ScheduleId,
        said: NewSchedule,
        is_on: bool,
    ) -> Result<(), RunsError> {
        let said = said.check()?;
        let calendar = Calendar::parse(&said)?;
        let next = match is_on {
            true => Some(calendar.first(Millis::now())?),
            false => None,
        };
        let store = &self.context.store;
        Ok(store.update_schedule(id, said, is_on, next).await?)
    }
}

/// The next times of a schedule, as its zone's clocks show them: none when it cannot be read, which
/// a person was told when it was saved.
#[must_use]
pub fn next_times(said: &NewSchedule, after: Millis) -> Vec<(Millis, String)> {
    let Ok(calendar) = Calendar::parse(said) else {
        return Vec::new();
    };
    let times = std::iter::successors(calendar.next(after), |at| calendar.next(*at));
    times
        .take(SHOWN_TIMES)
        .map(|at| (at, calendar.words(at)))
        .collect()
}

/// Looks again and again until the process shuts down.
pub(crate) async fn keep(runs: Runs) {
    let context = &runs.context;
    loop {
        if let Err(error) = look(&runs).await {
            tracing::warn!(%error, "schedules could not be looked after");
        }
        tokio::select! {
            () = tokio::time::sleep(context.config.schedules_every) => {}
            () = context.shutdown.cancelled() => return,
        }
    }
}

/// Claims what is due, and starts what was claimed.
async fn look(runs: &Runs) -> Result<(), StoreError> {
    let context = &runs.context;
    let now = Millis::now();
    for schedule in context.store.due_schedules(now).await? {
        let Some(due_at) = schedule.next_at else { continue };
        let plan = match Calendar::parse(&schedule.said) {
            Ok(calendar) => plan(&calendar, due_at, now, schedule.said.missed),
            // Saved by a version that knew more, or a zone that was given up.
            Err(error) => plan::Plan {
                missed: Some((due_at, error.0)),
                ..plan::Plan::default()
            },
        };
        let claim = Claim {
            schedule: schedule.id,
            due_at,
            next_at: plan.next_at,
            firing: plan.fire.map(|(at, words)| (at, RunId::generate(), words)),
            missed: plan.missed,
        };
        context.store.claim_firing(&claim, &context.replica).await?;
    }
    for waiting in context.store.waiting_firings(&context.replica).await? {
        if context.shutdown.is_cancelled() {
            break;
        }
        fire(runs, &waiting).await?;
    }
    Ok(())
}
