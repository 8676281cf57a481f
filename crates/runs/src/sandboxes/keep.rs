//! Sandboxes that are kept after a run for the next one.

use super::{Held, Manifest, Sandboxes};
use crate::service::LiveSandbox;
use daytona::SandboxState as ProviderState;
use model::{AgentId, AgentSettings, Millis, Run, SandboxId, SandboxRecord, SandboxState};
use std::sync::Arc;
use store::{Claimed, Hold, StoreError};

impl Sandboxes {
    /// The agent's idle sandbox, taken for a run; none when there is none that can be used. One that
    /// cannot, because it is gone or of another size, is deleted.
    pub(crate) async fn take(
        self: &Arc<Self>,
        hold: &Hold,
        run: &Run,
        settings: &AgentSettings,
    ) -> Option<Held> {
        let slot = self.slot(&run.agent);
        let mut place = slot.held.lock().await;
        let mut held = self.claim(hold, &run.agent, &mut place).await?;
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

    /// Takes the agent's idle sandbox, as it stands now: another server may have used it since, or
    /// deleted it.
    async fn claim(&self, hold: &Hold, agent: &AgentId, place: &mut Option<Held>) -> Option<Held> {
        for _ in 0..2 {
            self.load(agent, place).await;
            let held = place.take()?;
            // The run before, which another server may have driven.
            let before = self.store.sandbox(&held.record.id).await;
            let claimed = self
                .store
                .claim_sandbox(&held.record.id, hold, &self.replica, Millis::now())
                .await;
            match claimed {
                Ok(Some(Claimed { filled_by_us: true })) => return Some(held),
                Ok(Some(_)) => {
                    let before = before.as_ref().unwrap_or(&held.record);
                    self.note_unknown(agent, before).await;
                    return Some(held);
                }
                Ok(None) => self.forget(&held.record.id),
                Err(error) => {
                    tracing::warn!(%agent, %error, "a kept sandbox cannot be taken");
                    return None;
                }
            }
        }
        None
    }

    /// Whatever files of the agent are in a sandbox, they are not known to be what they should.
    pub(super) async fn note_unknown(&self, agent: &AgentId, record: &SandboxRecord) {
        let mut files = self.store.list_files(agent).await.unwrap_or_default();
        let row = self.store.sandbox(&record.id).await;
        let runs = [record.run.clone(), row.ok().and_then(|row| row.run)];
        for run in runs.into_iter().flatten() {
            let Ok(run) = self.store.run(&run).await else {
                continue;
            };
            if let Ok(revision) = self.store.revision(&run.revision).await {
                files.extend(revision.files);
            }
        }
        let known = self.manifest(&record.id);
        let paths = files.into_iter().map(|entry| entry.path).chain(known.paths());
        let manifest = Manifest::unknown(paths);
        self.note(&record.id, |known| *known = manifest);
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
        let Some(record) = self
            .store
            .live_sandbox_of(agent, &self.replica)
            .await
            .map_err(words)?
        else {
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
        self.note_unknown(agent, &record).await;
        Ok(Some(Held {
            record,
            sandbox,
            toolbox,
            reused: true,
        }))
    }

    /// Keeps a sandbox after its run for so many minutes, in the place of another that is kept.
    ///
    /// # Errors
    /// A sentence, when it could not be noted; the sandbox is then still in use as far as anybody knows.
    pub(crate) async fn keep(
        self: &Arc<Self>,
        hold: &Hold,
        mut held: Held,
        minutes: u32,
    ) -> Result<(), String> {
        let agent = held.record.agent.clone();
        let expires = Millis(Millis::now().0.saturating_add(i64::from(minutes) * 60_000));
        let slot = self.slot(&agent);
        let mut place = slot.held.lock().await;
        self.store
            .sandbox_state(&held.record.id, SandboxState::Idle, Some(expires), Some(hold))
            .await
            .map_err(|error| error.to_string())?;
        held.record.state = SandboxState::Idle;
        held.record.expires_at = Some(expires);
        let kept = held.record.id.clone();
        *place = Some(held);
        drop(place);
        self.discard_others(&agent, &kept).await;
        // What was saved while the run went on.
        self.files_changed(&agent);
        Ok(())
    }

    /// An agent keeps one sandbox: deletes those that runs at the same time have kept before. What
    /// fails here expires.
    async fn discard_others(self: &Arc<Self>, agent: &AgentId, kept: &SandboxId) {
        let idle = self.store.idle_sandboxes_of(agent, &self.replica).await;
        for record in idle.unwrap_or_default() {
            if record.id != *kept && self.store.retire_sandbox(&record.id).await.unwrap_or(false) {
                self.delete_later(record);
            }
        }
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
        let Some(record) = self.store.live_sandbox_of(agent, &self.replica).await? else {
            return Ok(None);
        };
        let files = self.store.list_files(agent).await?;
        let synced = self.manifest(&record.id).difference(&files).is_empty();
        Ok(Some(LiveSandbox { record, synced }))
    }
}
