//! Deleting a sandbox, and making sure that it is gone.

use super::{Held, Sandboxes};
use crate::{RunsError, usage};
use daytona::SandboxState as ProviderState;
use model::{AgentId, SandboxRecord, SandboxState};
use std::time::{Duration, Instant};
use store::Hold;

/// How long a sandbox may take to be gone before it is left to the reaper.
pub(crate) const GONE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the provider may take to confirm before it is told to delete once more.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);

impl Sandboxes {
    /// Deletes a sandbox and waits until the provider confirms it. When it does not, the row stays
    /// `deleting`, and the reaper goes on with it.
    ///
    /// # Errors
    /// A sentence that says what the provider did instead.
    pub(crate) async fn delete(&self, record: &SandboxRecord) -> Result<(), String> {
        self.delete_within(None, record, GONE_TIMEOUT).await
    }

    /// The same by the driver of the run that uses it, as long as it drives it; with how long the
    /// provider may take.
    ///
    /// # Errors
    /// As for [`Self::delete`].
    pub(crate) async fn delete_for(
        &self,
        hold: &Hold,
        record: &SandboxRecord,
        patience: Duration,
    ) -> Result<(), String> {
        self.delete_within(Some(hold), record, patience).await
    }

    async fn delete_within(
        &self,
        hold: Option<&Hold>,
        record: &SandboxRecord,
        patience: Duration,
    ) -> Result<(), String> {
        let delete = self.delete_row(hold, record, patience);
        self.deletions.attempt(record.id.as_str(), delete).await
    }

    async fn delete_row(
        &self,
        hold: Option<&Hold>,
        record: &SandboxRecord,
        patience: Duration,
    ) -> Result<(), String> {
        self.store
            .sandbox_state(&record.id, SandboxState::Deleting, None, hold)
            .await
            .map_err(|error| error.to_string())?;
        let provider_id = match &record.provider_id {
            Some(id) => Some(id.clone()),
            None => {
                let found = self.find(&record.id).await.map_err(|error| {
                    format!("Whether there is a sandbox to delete cannot be known now: {error}.")
                })?;
                // Nobody noted that it was made, so nobody counts it yet.
                let seen = found
                    .as_ref()
                    .and_then(|sandbox| usage::seen(&record.id, sandbox));
                let noted = self.store.see_sandboxes(seen.as_slice()).await;
                noted.map_err(|error| error.to_string())?;
                found.map(|sandbox| sandbox.id)
            }
        };
        let was_there = match provider_id {
            Some(id) => self.delete_at_provider(&id, patience).await?,
            None => false,
        };
        let gone = if was_there {
            let state = SandboxState::Deleted;
            self.store.sandbox_state(&record.id, state, None, None).await
        } else {
            self.store.sandbox_vanished(&record.id).await
        };
        gone.map_err(|error| error.to_string())?;
        self.forget(&record.id);
        Ok(())
    }

    /// Deletes the provider's sandbox of this id, and remembers how it goes under `name`: the id of our
    /// row, or the provider's for one that has none.
    pub(crate) async fn delete_named(&self, name: &str, id: &str, patience: Duration) -> Result<(), String> {
        let delete = async { self.delete_at_provider(id, patience).await.map(drop) };
        self.deletions.attempt(name, delete).await
    }

    /// Deletes the provider's sandbox of this id, and waits until it is gone. A provider in trouble, or
    /// one that says it has deleted and has not, is asked again as long as `patience` lasts. Says whether
    /// it was there until now, as far as can be known.
    async fn delete_at_provider(&self, id: &str, patience: Duration) -> Result<bool, String> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut asked_before = false;
        loop {
            let left = patience.saturating_sub(began.elapsed());
            let error = match self.delete_once(id, left.min(CONFIRM_TIMEOUT)).await {
                Ok(was_there) => return Ok(was_there || asked_before),
                Err(error) => error,
            };
            asked_before = true;
            // In the middle of a change of state, or the provider is in trouble: again in a moment.
            let passing = error.is_conflict() || error.is_retryable() || error.status() >= Some(500);
            if !passing || began.elapsed() >= patience {
                return Err(format!("The sandbox could not be deleted: {error}."));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    async fn delete_once(&self, id: &str, patience: Duration) -> Result<bool, daytona::Error> {
        match self.client.delete(id).await {
            Ok(()) => {}
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error),
        }
        // An archived one is still there.
        let gone = [ProviderState::Destroyed];
        self.client.wait(id, &gone, patience).await.map(|_| true)
    }

    /// Deletes the agent's idle sandbox.
    ///
    /// # Errors
    /// When a run uses it, or the provider does not confirm.
    pub(crate) async fn discard(&self, agent: &AgentId) -> Result<(), RunsError> {
        let slot = self.slot(agent);
        let mut held = slot.held.lock().await;
        let Some(record) = self.store.live_sandbox_of(agent, &self.replica).await? else {
            *held = None;
            return Ok(());
        };
        self.discard_held(&mut held, &record).await
    }

    /// Deletes the idle sandbox of this row.
    ///
    /// # Errors
    /// As for [`Self::discard`].
    pub(crate) async fn discard_row(&self, record: &SandboxRecord) -> Result<(), RunsError> {
        let slot = self.slot(&record.agent);
        let mut held = slot.held.lock().await;
        self.discard_held(&mut held, record).await
    }

    async fn discard_held(&self, place: &mut Option<Held>, record: &SandboxRecord) -> Result<(), RunsError> {
        if !self.store.retire_sandbox(&record.id).await? {
            return Err(RunsError::Conflict(
                "A run uses the sandbox. Stop the run first.".to_owned(),
            ));
        }
        if place.as_ref().is_some_and(|held| held.record.id == record.id) {
            *place = None;
        }
        self.delete(record).await.map_err(RunsError::Provider)
    }
}
