//! What keeps the counting of usage true while nothing changes: proofs of life
//! for the sandboxes of runs that are driven here, and the budgets that fill up
//! by the mere passing of time.

use crate::{Runs, RunsError, driver::Context};
use daytona::{Sandbox, SandboxState};
use model::{Millis, SandboxId, TeamId, UsageState};
use std::{sync::Arc, time::Duration};
use store::SeenSandbox;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How often: what a crash can make uncertain is no longer than this, for a run that was under way.
const EVERY: Duration = Duration::from_secs(10);

/// How a sandbox that the provider shows in this state is counted; none when it is not there yet, or on
/// its way out.
pub(crate) fn counted(state: Option<SandboxState>) -> Option<UsageState> {
    match state? {
        SandboxState::Started
        | SandboxState::Starting
        | SandboxState::Stopping
        | SandboxState::Pausing
        | SandboxState::Resuming
        | SandboxState::Resizing
        | SandboxState::Snapshotting
        | SandboxState::Forking => Some(UsageState::Running),
        SandboxState::Stopped | SandboxState::Paused | SandboxState::Archiving | SandboxState::Error => {
            Some(UsageState::Stopped)
        }
        SandboxState::Archived | SandboxState::Restoring => Some(UsageState::Archived),
        SandboxState::Creating
        | SandboxState::Destroyed
        | SandboxState::Destroying
        | SandboxState::BuildFailed
        | SandboxState::PendingBuild
        | SandboxState::BuildingSnapshot
        | SandboxState::PullingSnapshot
        | SandboxState::Unknown => None,
    }
}

/// A sandbox of one of our rows as the provider shows it.
pub(crate) fn seen(row: &SandboxId, sandbox: &Sandbox) -> Option<SeenSandbox> {
    Some(SeenSandbox {
        id: row.clone(),
        usage: counted(sandbox.state)?,
        created_at: at(sandbox.created_at.as_deref()),
        changed_at: at(sandbox.updated_at.as_deref()),
    })
}

/// A time as providers write it.
pub(crate) fn at(text: Option<&str>) -> Option<Millis> {
    let at = OffsetDateTime::parse(text?, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000)
        .ok()
        .map(Millis)
}

/// Runs until the process shuts down.
pub(crate) async fn watch(context: Arc<Context>) {
    loop {
        let goes_on = tokio::select! {
            () = tokio::time::sleep(EVERY) => true,
            () = context.shutdown.cancelled() => false,
        };
        if !context.hub.all().is_empty()
            && let Err(error) = context.store.see_driven_sandboxes(&context.replica).await
        {
            tracing::warn!(%error, "the usage of sandboxes could not be put on");
        }
        if !goes_on {
            return;
        }
        if let Err(error) = look_at_budgets(&context).await {
            tracing::warn!(%error, "the budgets could not be looked at");
        }
    }
}

async fn look_at_budgets(context: &Context) -> store::Result<()> {
    for team in context.store.teams_with_budgets().await? {
        for event in context.store.note_budget(&team).await? {
            tracing::info!(%team, percent = event.percent, "a budget was used");
        }
    }
    Ok(())
}

impl Runs {
    /// Refuses when the team's budget for this month is used up: to be asked before anything begins that
    /// costs.
    ///
    /// # Errors
    /// A sentence that says what to do, or when the database cannot be read.
    pub async fn check_budget(&self, team: &TeamId) -> Result<(), RunsError> {
        Ok(self.context.store.check_budget(team).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_is_counted_as_it_stands() {
        let of = |state| counted(Some(state));
        assert_eq!(of(SandboxState::Started), Some(UsageState::Running));
        assert_eq!(of(SandboxState::Paused), Some(UsageState::Stopped));
        assert_eq!(of(SandboxState::Archived), Some(UsageState::Archived));
        assert_eq!(of(SandboxState::Destroyed), None);
        assert_eq!(counted(None), None);
        assert_eq!(
            at(Some("2026-11-26T15:00:00.5Z")),
            Some(Millis(1_795_705_200_500))
        );
        assert_eq!(at(Some("yesterday")), None);
    }
}
