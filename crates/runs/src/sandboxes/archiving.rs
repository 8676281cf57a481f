//! Kept sandboxes that a person puts away with their files, and brings back.
//!
//! ```text
//!  idle ──▶ archiving ──▶ archived ──▶ restoring ──▶ idle
//! ```
//! The row says what is being done before the provider is asked for it, so no
//! run takes the sandbox meanwhile, whichever server drives it, and no clean-up
//! ends it. What is begun goes on when whoever asked has gone away; what ended
//! with its server is put right by the reaper.

use super::{Held, Sandboxes, create};
use crate::{RunsError, usage};
use daytona::{Sandbox, SandboxState as ProviderState};
use model::{Millis, SandboxRecord, SandboxState};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long an archived sandbox is kept.
const ARCHIVED_DAYS: u32 = 30;
/// How many minutes a sandbox that was brought back is kept at least.
const RESTORED_MINUTES: u32 = 15;
/// How long the provider may take to put one away, or to bring it back.
const TIMEOUT: Duration = Duration::from_secs(240);
/// How long after its begin a change is taken for one that ended with its server.
pub(crate) const LEFT_AFTER_MS: i64 = 600_000;
/// How often the provider is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(200);
/// How often it may refuse a step before that is taken for its answer: it may be in the middle of another.
const REFUSALS: u32 = 5;

/// Where a sandbox is brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Archived,
    Started,
}

impl Sandboxes {
    /// Archives the kept sandbox of this row: its programs end, its files stay.
    ///
    /// # Errors
    /// When a run uses it, or the provider does not archive it; it is then kept as it was, or stopped.
    pub(crate) async fn archive(self: &Arc<Self>, record: &SandboxRecord) -> Result<(), RunsError> {
        let until = in_minutes(ARCHIVED_DAYS * 24 * 60);
        {
            let slot = self.slot(&record.agent);
            let mut place = slot.held.lock().await;
            // One that the provider could only stop, the time before, is archived already for the ledger.
            let archived = record.state == SandboxState::Archived;
            let from = if archived {
                SandboxState::Archived
            } else {
                SandboxState::Idle
            };
            let is_there = record.provider_id.is_some();
            if !is_there
                || !self
                    .moved(record, from, SandboxState::Archiving, Some(until))
                    .await?
            {
                return Err(RunsError::Conflict(
                    "Only a sandbox that is kept between two runs can be archived, and this one is not, or not any more. Wait for the end of the run in it, or stop the run.".to_owned(),
                ));
            }
            if place
                .as_ref()
                .is_some_and(|held: &Held| held.record.id == record.id)
            {
                *place = None;
            }
        }
        let (sandboxes, record) = (Arc::clone(self), record.clone());
        self.to_the_end(async move { sandboxes.go_on_archiving(&record, record.expires_at).await })
            .await
    }

    /// Does what is left of it. One that cannot be put away and stands ready is kept until `otherwise`.
    async fn go_on_archiving(
        &self,
        record: &SandboxRecord,
        otherwise: Option<Millis>,
    ) -> Result<(), RunsError> {
        let id = record.provider_id.as_deref().unwrap_or_default();
        let Err(error) = self.bring(record, id, Goal::Archived).await else {
            let archived = self.moved(record, SandboxState::Archiving, SandboxState::Archived, None);
            return archived.await.map(drop);
        };
        let state = self.client.get(id).await.ok().and_then(|sandbox| sandbox.state);
        let (to, until, words) = match state {
            Some(ProviderState::Started) => (SandboxState::Idle, otherwise, "It stands ready as before."),
            Some(_) => (
                SandboxState::Archived,
                None,
                "It is stopped, and keeps its files.",
            ),
            None => {
                return Err(RunsError::Provider(format!(
                    "The sandbox could not be archived: {error} That is tried again."
                )));
            }
        };
        self.moved(record, SandboxState::Archiving, to, until).await?;
        Err(RunsError::Provider(format!(
            "The sandbox could not be archived: {error} {words}"
        )))
    }

    /// Starts an archived sandbox again, for the next run of its agent.
    ///
    /// # Errors
    /// When it is not archived, its agent has another sandbox or was deleted, or the provider does not
    /// start it; it then stays archived.
    pub(crate) async fn restore(self: &Arc<Self>, record: &SandboxRecord) -> Result<(), RunsError> {
        let agent = self.store.agent(&record.agent).await?;
        if self
            .store
            .live_sandbox_of(&agent.id, &self.replica)
            .await?
            .is_some()
        {
            return Err(RunsError::Conflict(
                "The agent has another sandbox now, and keeps one. Wait for the run in it, or archive or delete it first.".to_owned(),
            ));
        }
        if !self
            .moved(record, SandboxState::Archived, SandboxState::Restoring, None)
            .await?
        {
            return Err(RunsError::Conflict(
                "Only an archived sandbox can be restored, and this one is not, or not any more.".to_owned(),
            ));
        }
        let (sandboxes, record) = (Arc::clone(self), record.clone());
        let minutes = agent.settings.keep_minutes.max(RESTORED_MINUTES);
        self.to_the_end(async move { sandboxes.go_on_restoring(&record, minutes).await })
            .await
    }

    async fn go_on_restoring(&self, record: &SandboxRecord, minutes: u32) -> Result<(), RunsError> {
        let id = record.provider_id.as_deref().unwrap_or_default();
        let brought = self.bring(record, id, Goal::Started).await;
        let (to, until) = match &brought {
            Ok(_) => (SandboxState::Idle, Some(in_minutes(minutes))),
            Err(_) => (SandboxState::Archived, None),
        };
        self.moved(record, SandboxState::Restoring, to, until).await?;
        brought.map_err(|error| {
            RunsError::Provider(format!(
                "The sandbox could not be restored: {error} It stays archived."
            ))
        })
    }

    /// Puts right what a server that is gone has begun: archives what is `archiving`, beside the round that
    /// found it, and takes what is `restoring` for what the provider has made of it.
    pub(crate) async fn settle_resting(
        self: &Arc<Self>,
        record: &SandboxRecord,
        found: &Sandbox,
    ) -> Result<(), RunsError> {
        let soon = Some(in_minutes(RESTORED_MINUTES));
        match record.state {
            SandboxState::Archiving => {
                // From now on, so that the next round leaves it alone.
                let anew = self.moved(record, SandboxState::Archiving, SandboxState::Archiving, None);
                if anew.await? {
                    let (sandboxes, record) = (Arc::clone(self), record.clone());
                    self.tasks.spawn(async move {
                        if let Err(error) = sandboxes.go_on_archiving(&record, soon).await {
                            tracing::warn!(sandbox = %record.id, %error, "what a server before has begun with it could not be ended");
                        }
                    });
                }
            }
            SandboxState::Restoring => {
                let (to, until) = match found.state {
                    Some(ProviderState::Started) => (SandboxState::Idle, soon),
                    _ => (SandboxState::Archived, None),
                };
                self.moved(record, SandboxState::Restoring, to, until).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn moved(
        &self,
        record: &SandboxRecord,
        from: SandboxState,
        to: SandboxState,
        until: Option<Millis>,
    ) -> Result<bool, RunsError> {
        let moved = self
            .store
            .move_sandbox(&record.id, from, to, until, Millis::now());
        Ok(moved.await?)
    }

    /// Does it on a task of its own: whoever asked may go away.
    async fn to_the_end(
        &self,
        work: impl Future<Output = Result<(), RunsError>> + Send + 'static,
    ) -> Result<(), RunsError> {
        let done = self.tasks.spawn(store::carried(work)).await;
        done.unwrap_or(Err(RunsError::ShuttingDown))
    }

    /// Asks the provider for one step after the other, as the sandbox stands, until it is where it should
    /// be, and counts it as that. Whatever else asks the same meanwhile does no harm.
    ///
    /// # Errors
    /// A sentence.
    async fn bring(&self, record: &SandboxRecord, id: &str, goal: Goal) -> Result<(), String> {
        let reached = match goal {
            Goal::Archived => ProviderState::Archived,
            Goal::Started => ProviderState::Started,
        };
        let (began, mut refused) = (Instant::now(), 0);
        loop {
            let trouble = match self.step(id, goal).await {
                Ok(sandbox) if sandbox.state == Some(reached) => {
                    let seen = usage::seen(&record.id, &sandbox);
                    if let Err(error) = self.store.see_sandboxes(seen.as_slice()).await {
                        tracing::warn!(%error, "the state of a sandbox is counted at the next round");
                    }
                    return Ok(());
                }
                Ok(sandbox) => format!("it is still {}.", sandbox.state.unwrap_or_default().as_str()),
                Err(error) => {
                    refused += 1;
                    let passing = error.is_conflict() || error.is_retryable() || error.status() >= Some(500);
                    if error.is_not_found() || (!passing && refused >= REFUSALS) {
                        return Err(format!("{error}."));
                    }
                    format!("{error}.")
                }
            };
            if began.elapsed() > TIMEOUT {
                return Err(format!("after {} s, {trouble}", TIMEOUT.as_secs()));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Looks, and asks for what is next, if anything: a sandbox on its way is left alone.
    async fn step(&self, id: &str, goal: Goal) -> Result<Sandbox, daytona::Error> {
        let client = &self.client;
        let sandbox = client.get(id).await?;
        match (goal, sandbox.state.unwrap_or_default()) {
            (Goal::Archived, ProviderState::Started) => {
                // Longer than it is kept, so that it is our clean-up that ends it.
                let minutes = (ARCHIVED_DAYS + 1) * 24 * 60;
                client.set_auto_delete(id, Some(minutes)).await?;
                client.stop(id).await
            }
            (Goal::Archived, ProviderState::Stopped) => client.archive(id).await,
            (Goal::Started, ProviderState::Archived | ProviderState::Stopped) => client.start(id).await,
            (Goal::Started, ProviderState::Started) => {
                // The second line again, behind our clean-up.
                let minutes = create::AUTO_STOP_MINUTES + RESTORED_MINUTES;
                if let Err(error) = client.set_auto_delete(id, Some(minutes)).await {
                    tracing::warn!(%error, "the provider keeps a restored sandbox for longer than it should");
                }
                Ok(sandbox)
            }
            _ => Ok(sandbox),
        }
    }
}

fn in_minutes(minutes: u32) -> Millis {
    Millis(Millis::now().0.saturating_add(i64::from(minutes) * 60_000))
}
