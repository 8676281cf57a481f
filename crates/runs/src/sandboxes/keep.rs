//! Sandboxes that are kept after a run for the next one.

use super::{Held, Manifest, Sandboxes};
use crate::service::LiveSandbox;
use daytona::SandboxState as ProviderState;
use model::{AgentId, AgentSettings, Millis, Run, SandboxRecord, SandboxState};
use std::sync::Arc;
use store::StoreError;

impl Sandboxes {
    /// The agent's idle sandbox, taken for a run; none when there is none that can be used. One that
    /// cannot, because it is gone or of another size, is deleted.
    pub(crate) async fn take(self: &Arc<Self>, run: &Run, settings: &AgentSettings) -> Option<Held> {
        let slot = self.slot(&run.agent);
        let mut place = slot.held.lock().await;
        self.load(&run.agent, &mut place).await;
        let mut held = place.take()?;
        let claimed = self
            .store
            .claim_sandbox(&held.record.id, &run.id, Millis::now())
            .await;
        if !claimed.unwrap_or(false) {
            return None;
        }
        held.record.run = Some(run.id.clone());
        held.record.state = SandboxState::InUse;
        held.record.expires_at = None;
        let usable = held.record.resources == settings.resources
            && match self.client.get(&held.sandbox.id).await {
                Ok(sandbox) => sandbox.state == Some(ProviderState::Started),
                Err(error) => {
                    tracing::info!(sandbox = %held.sandbox.id, %error, "a kept sandbox cannot be used");
                    false
                }
            };
        if usable {
            held.reused = true;
            return Some(held);
        }
        self.delete_later(held.record);
        None
    }

    /// Fills an agent's place from the store, after a restart.
    pub(super) async fn load(&self, agent: &AgentId, place: &mut Option<Held>) {
        if place.is_some() {
            return;
        }
        match self.idle(agent).await {
            Ok(found) => *place = found,
            Err(error) => tracing::warn!(%agent, error, "a kept sandbox cannot be taken up"),
        }
    }

    async fn idle(&self, agent: &AgentId) -> Result<Option<Held>, String> {
        let words = |error: StoreError| error.to_string();
        let Some(record) = self.store.live_sandbox_of(agent).await.map_err(words)? else {
            return Ok(None);
        };
        let (SandboxState::Idle, Some(provider_id)) = (record.state, &record.provider_id) else {
            return Ok(None);
        };
        let sandbox = match self.client.get(provider_id).await {
            Ok(sandbox) => sandbox,
            Err(error) => {
                if error.is_not_found() && self.store.retire_sandbox(&record.id).await.unwrap_or(false) {
                    self.delete(&record).await?;
                }
                return Err(error.to_string());
            }
        };
        let toolbox = self
            .client
            .toolbox(&sandbox)
            .await
            .map_err(|error| error.to_string())?;
        // What is in it we knew before the restart: the last run's files, or what was saved since.
        let mut files: Vec<_> = self.store.list_files(agent).await.map_err(words)?;
        if let Some(run) = &record.run {
            let run = self.store.run(run).await.map_err(words)?;
            files.extend(self.store.revision(&run.revision).await.map_err(words)?.files);
        }
        let manifest = Manifest::unknown(files.into_iter().map(|entry| entry.path));
        self.note(&record.id, |known| *known = manifest);
        Ok(Some(Held {
            record,
            sandbox,
            toolbox,
            reused: true,
        }))
    }

    /// Keeps a sandbox after its run for so many minutes.
    ///
    /// # Errors
    /// A sentence, when it could not be noted; the sandbox is then still in use as far as anybody knows.
    pub(crate) async fn keep(self: &Arc<Self>, mut held: Held, minutes: u32) -> Result<(), String> {
        let agent = held.record.agent.clone();
        let expires = Millis(Millis::now().0.saturating_add(i64::from(minutes) * 60_000));
        let slot = self.slot(&agent);
        let mut place = slot.held.lock().await;
        self.store
            .sandbox_state(&held.record.id, SandboxState::Idle, Some(expires))
            .await
            .map_err(|error| error.to_string())?;
        held.record.state = SandboxState::Idle;
        held.record.expires_at = Some(expires);
        *place = Some(held);
        drop(place);
        // What was saved while the run went on.
        self.files_changed(&agent);
        Ok(())
    }

    /// Deletes a sandbox without waiting for it.
    pub(crate) fn delete_later(self: &Arc<Self>, record: SandboxRecord) {
        let sandboxes = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = sandboxes.delete(&record).await {
                tracing::warn!(sandbox = %record.id, error, "left to the reaper");
            }
        });
    }

    /// The agent's sandbox that is idle or in use.
    pub(crate) async fn live(&self, agent: &AgentId) -> Result<Option<LiveSandbox>, StoreError> {
        let Some(record) = self.store.live_sandbox_of(agent).await? else {
            return Ok(None);
        };
        let files = self.store.list_files(agent).await?;
        let synced = self.manifest(&record.id).difference(&files).is_empty();
        Ok(Some(LiveSandbox { record, synced }))
    }
}
