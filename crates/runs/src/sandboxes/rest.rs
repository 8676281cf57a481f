//! Kept sandboxes that rest: one that was archived costs nothing and has its
//! files, and the next run starts it again, as it does one that the provider
//! stopped, or that was stopped with its engine.

use super::{Held, Sandboxes, create::START_TIMEOUT};
use crate::{RunsError, ingest::is_passing};
use daytona::SandboxState as ProviderState;
use model::{Millis, SandboxRecord, SandboxState};
use std::time::{Duration, Instant};

/// How long an archived sandbox is kept for the next run.
pub(crate) const ARCHIVED_DAYS: u32 = 30;
/// Minutes the provider keeps it: a day longer, so that it is our clean-up that ends it.
const ARCHIVED_MINUTES: u32 = (ARCHIVED_DAYS + 1) * 24 * 60;
/// How long stopping a sandbox and packing its files may take.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(120);
/// The states in which a kept sandbox stays by itself, and can be used or started.
const SETTLED: [ProviderState; 4] = [
    ProviderState::Started,
    ProviderState::Stopped,
    ProviderState::Archived,
    ProviderState::Paused,
];

impl Sandboxes {
    /// Archives the kept sandbox of this row: its programs end, its files stay.
    ///
    /// # Errors
    /// When a run uses it, or the provider does not archive it; it is then kept for as long as before.
    pub(crate) async fn archive(&self, record: &SandboxRecord) -> Result<(), RunsError> {
        let slot = self.slot(&record.agent);
        // No run of this server takes it meanwhile; one of another finds it on its way, and waits.
        let mut held = slot.held.lock().await;
        let record = self.store.sandbox(&record.id).await?;
        let (SandboxState::Idle, Some(provider_id)) = (record.state, &record.provider_id) else {
            return Err(RunsError::Conflict(
                "Only a sandbox that is kept between two runs can be archived, and this one is not. Wait for the end of the run in it, or stop the run.".to_owned(),
            ));
        };
        let until = Millis::now()
            .0
            .saturating_add(i64::from(ARCHIVED_DAYS) * 24 * 3_600_000);
        if !self.store.rest_sandbox(&record.id, Some(Millis(until))).await? {
            return Err(RunsError::Conflict(
                "A run has taken the sandbox meanwhile. Try again when it has ended.".to_owned(),
            ));
        }
        if held.as_ref().is_some_and(|held| held.record.id == record.id) {
            *held = None;
        }
        let archived = self.archive_at_provider(provider_id).await;
        if let Err(error) = archived {
            if let Err(error) = self.store.rest_sandbox(&record.id, record.expires_at).await {
                tracing::warn!(sandbox = %record.id, %error, "a sandbox that could not be archived is kept for longer");
            }
            return Err(RunsError::Provider(format!(
                "The sandbox could not be archived: {error}."
            )));
        }
        Ok(())
    }

    async fn archive_at_provider(&self, id: &str) -> Result<(), daytona::Error> {
        let client = &self.client;
        client.set_auto_delete(id, Some(ARCHIVED_MINUTES)).await?;
        let state = client.get(id).await?.state;
        if state == Some(ProviderState::Archived) {
            return Ok(());
        }
        if state != Some(ProviderState::Stopped) {
            client.stop(id).await?;
            client
                .wait(id, &[ProviderState::Stopped], ARCHIVE_TIMEOUT)
                .await?;
        }
        client.archive(id).await?;
        let archived = client.wait(id, &[ProviderState::Archived], ARCHIVE_TIMEOUT);
        archived.await.map(drop)
    }

    /// Sees to it that a kept sandbox is started. False when it cannot be.
    pub(super) async fn wake(&self, held: &mut Held) -> bool {
        let began = Instant::now();
        loop {
            match self.awake(held).await {
                Ok(()) => return true,
                Err(error) if is_passing(&error) && began.elapsed() < self.config.provider_deadline => {
                    tracing::warn!(sandbox = %held.sandbox.id, %error, "a kept sandbox is asked for again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => {
                    tracing::info!(sandbox = %held.sandbox.id, %error, "a kept sandbox cannot be used");
                    return false;
                }
            }
        }
    }

    async fn awake(&self, held: &mut Held) -> Result<(), daytona::Error> {
        let id = &held.sandbox.id;
        let mut sandbox = self.client.get(id).await?;
        if !sandbox.state.is_some_and(|state| SETTLED.contains(&state)) {
            sandbox = self.client.wait(id, &SETTLED, START_TIMEOUT).await?;
        }
        if sandbox.state != Some(ProviderState::Started) {
            self.client.start(id).await?;
            sandbox = self
                .client
                .wait(id, &[ProviderState::Started], START_TIMEOUT)
                .await?;
            held.toolbox = self.client.toolbox(&sandbox).await?;
            // The engine lends packages to a sandbox that is started, and lends them anew.
            self.note(&held.record.id, |manifest| manifest.packages = None);
        }
        held.sandbox = sandbox;
        Ok(())
    }
}
