//! Starts the run of a time at which a schedule was due, unless the former run
//! is in the way.

use crate::{Once, Runs, RunsError, StartRun};
use model::{Action, Actor, ActorKind, FiringState, OverlapPolicy, Trigger, TriggerKind};
use std::sync::Arc;
use store::{Doing, StoreError, Waiting};

/// How many runs of one schedule wait for each other at most.
const MOST_WAITING: usize = 100;

/// What is to be done with a time that waits.
enum Course {
    Start,
    Wait,
    /// It is over, with this said of it.
    Leave(FiringState, String),
}

/// Goes one step on with it. What fails for a moment waits, and is tried again at the next look.
pub async fn fire(runs: &Runs, waiting: &Waiting) -> Result<(), StoreError> {
    let store = &runs.context.store;
    let conclude = async |state, words: Option<&str>| {
        store
            .conclude_firing(&waiting.schedule, waiting.due_at, state, words)
            .await
    };
    // A process before this one came so far.
    if store.run(&waiting.run).await.is_ok() {
        return conclude(FiringState::Started, None).await;
    }
    match course(runs, waiting).await? {
        Course::Wait => return Ok(()),
        Course::Leave(state, words) => return conclude(state, Some(&words)).await,
        Course::Start => {}
    }
    let request = StartRun {
        id: waiting.run.clone(),
        agent: waiting.agent.clone(),
        args: Vec::new(),
        timeout_seconds: None,
        fresh: true,
        person: Some(waiting.user.clone()),
        trigger: Trigger::new(TriggerKind::Schedule, waiting.schedule.as_str(), &waiting.name),
        in_studio: false,
    };
    // As the schedule's doing in the audit log.
    let actor = Actor::new(
        ActorKind::Schedule,
        Some(waiting.schedule.as_str()),
        waiting.name.as_str(),
    );
    let team = store.agent(&waiting.agent).await.map(|agent| agent.team);
    let doing = Doing::new(actor, Action::RunStart);
    let doing = Arc::new(match team {
        Ok(team) => doing.of_team(team),
        Err(_) => doing,
    });
    // Nobody is there to answer a program that asks.
    let mut once = Once::default();
    once.stdin.close = true;
    match doing.scope(runs.execute(request, once)).await {
        Ok(_) => conclude(FiringState::Started, None).await,
        // The line is full, we are about to end, or the database is away: later, or another server.
        Err(RunsError::Busy(_) | RunsError::ShuttingDown) => Ok(()),
        Err(RunsError::Store(error)) => Err(error),
        // Another run of the agent is under way.
        Err(RunsError::Conflict(_)) if waiting.overlap != OverlapPolicy::Skip => Ok(()),
        Err(RunsError::Conflict(words)) => conclude(FiringState::Skipped, Some(&words)).await,
        Err(error) => conclude(FiringState::Failed, Some(&error.to_string())).await,
    }
}

async fn course(runs: &Runs, waiting: &Waiting) -> Result<Course, StoreError> {
    let store = &runs.context.store;
    let unfinished = store.unfinished_runs_of_schedule(&waiting.schedule).await?;
    let others = store
        .other_waiting_firings(&waiting.schedule, waiting.due_at)
        .await?;
    Ok(match waiting.overlap {
        OverlapPolicy::Skip if unfinished.is_empty() && others.earlier == 0 => Course::Start,
        OverlapPolicy::Skip => Course::Leave(
            FiringState::Skipped,
            "The former run had not ended yet.".to_owned(),
        ),
        OverlapPolicy::Queue if others.earlier >= MOST_WAITING as u64 => Course::Leave(
            FiringState::Skipped,
            format!("{MOST_WAITING} earlier times wait for their runs already."),
        ),
        OverlapPolicy::Queue if unfinished.is_empty() && others.earlier == 0 => Course::Start,
        OverlapPolicy::Queue => Course::Wait,
        OverlapPolicy::StopFormer if others.later > 0 => Course::Leave(
            FiringState::Skipped,
            "The next time came before its run could start.".to_owned(),
        ),
        OverlapPolicy::StopFormer if unfinished.is_empty() => Course::Start,
        OverlapPolicy::StopFormer => {
            for run in unfinished {
                if let Err(error) = runs.stop(&run).await {
                    tracing::warn!(%run, %error, "the former run of a schedule could not be stopped yet");
                }
            }
            Course::Wait
        }
    })
}
