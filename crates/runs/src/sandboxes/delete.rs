//! Deleting a sandbox, and making sure that it is gone.

use super::Sandboxes;
use crate::RunsError;
use daytona::SandboxState as ProviderState;
use model::{AgentId, SandboxRecord, SandboxState};
use std::time::{Duration, Instant};

/// How long a sandbox may take to be gone before it is left to the reaper.
pub(crate) const GONE_TIMEOUT: Duration = Duration::from_secs(30);

impl Sandboxes {
    /// Deletes a sandbox and waits until the provider confirms it. When it does not, the row stays
    /// `deleting`, and the reaper goes on with it.
    ///
    /// # Errors
    /// A sentence that says what the provider did instead.
    pub(crate) async fn delete(&self, record: &SandboxRecord) -> Result<(), String> {
        self.delete_within(record, GONE_TIMEOUT).await
    }

    /// The same, with how long the provider may take.
    ///
    /// # Errors
    /// As for [`Self::delete`].
    pub(crate) async fn delete_within(
        &self,
        record: &SandboxRecord,
        patience: Duration,
    ) -> Result<(), String> {
        self.store
            .sandbox_state(&record.id, SandboxState::Deleting, None)
            .await
            .map_err(|error| error.to_string())?;
        let provider_id = match &record.provider_id {
            Some(id) => Some(id.clone()),
            None => self.find(&record.id).await.map(|sandbox| sandbox.id),
        };
        if let Some(id) = provider_id {
            self.delete_at_provider(&id, patience).await?;
        }
        self.store
            .sandbox_state(&record.id, SandboxState::Deleted, None)
            .await
            .map_err(|error| error.to_string())?;
        self.forget(&record.id);
        Ok(())
    }

    /// Deletes the provider's sandbox of this id, and waits until it is gone.
    pub(crate) async fn delete_at_provider(&self, id: &str, patience: Duration) -> Result<(), String> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            match self.client.delete(id).await {
                Ok(()) => break,
                Err(error) if error.is_not_found() => return Ok(()),
                // In the middle of a change of state, or the provider is in trouble: again in a moment.
                Err(error) if error.is_conflict() || error.is_retryable() || error.status() >= Some(500) => {
                    if began.elapsed() >= patience {
                        return Err(format!("The sandbox could not be deleted: {error}."));
                    }
                }
                Err(error) => return Err(format!("The sandbox could not be deleted: {error}.")),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        let left = patience.saturating_sub(began.elapsed());
        match self
            .client
            .wait(id, &[ProviderState::Destroyed, ProviderState::Archived], left)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(format!(
                "The provider did not confirm that the sandbox is gone: {error}."
            )),
        }
    }

    /// Deletes the agent's idle sandbox.
    ///
    /// # Errors
    /// When a run uses it, or the provider does not confirm.
    pub(crate) async fn discard(&self, agent: &AgentId) -> Result<(), RunsError> {
        let slot = self.slot(agent);
        let mut held = slot.held.lock().await;
        let Some(record) = self.store.live_sandbox_of(agent).await? else {
            *held = None;
            return Ok(());
        };
        if !self.store.retire_sandbox(&record.id).await? {
            return Err(RunsError::Conflict(
                "A run uses the sandbox. Stop the run first.".to_owned(),
            ));
        }
        *held = None;
        self.delete(&record).await.map_err(RunsError::Provider)
    }
}
