//! The ledger of sandboxes: a row before the provider is asked, kept until the
//! provider confirms that the sandbox is gone, also when its agent is deleted.

use crate::{Result, Store};
use model::{AgentId, Millis, RunId, SandboxId, SandboxRecord, SandboxState};

impl Store {
    /// Writes the row of a sandbox that the provider is about to be asked for.
    ///
    /// # Errors
    /// `Conflict` when its id exists.
    pub async fn intend_sandbox(&self, record: &SandboxRecord) -> Result<()> {
        todo!()
    }

    /// Notes the provider's id, and that the sandbox is in use.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    pub async fn sandbox_created(&self, id: &SandboxId, provider_id: &str) -> Result<()> {
        todo!()
    }

    /// Changes where a sandbox stands, and when it is to be deleted.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    pub async fn sandbox_state(
        &self,
        id: &SandboxId,
        state: SandboxState,
        expires_at: Option<Millis>,
    ) -> Result<()> {
        todo!()
    }

    /// Takes an idle sandbox for a run. False when it is not idle any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn claim_sandbox(&self, id: &SandboxId, run: &RunId, now: Millis) -> Result<bool> {
        todo!()
    }

    /// Takes an idle sandbox for deletion. False when it is not idle any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn retire_sandbox(&self, id: &SandboxId) -> Result<bool> {
        todo!()
    }

    /// The row of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn sandbox(&self, id: &SandboxId) -> Result<SandboxRecord> {
        todo!()
    }

    /// The agent's newest sandbox that is idle or in use and known to the provider.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn live_sandbox_of(&self, agent: &AgentId) -> Result<Option<SandboxRecord>> {
        todo!()
    }

    /// All sandboxes that are not known to be gone, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_sandboxes(&self) -> Result<Vec<SandboxRecord>> {
        todo!()
    }

    /// Idle sandboxes whose time is over.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn expired_sandboxes(&self, now: Millis) -> Result<Vec<SandboxRecord>> {
        todo!()
    }
}
