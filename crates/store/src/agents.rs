//! Agents and their settings.

use crate::{Result, Store};
use model::{Agent, AgentId, AgentSettings, AgentSummary, FilePath, Millis, UserId};

impl Store {
    /// All agents as the list shows them, the one last run or changed first. Days are UTC days, the last
    /// of the 14 is that of `now`.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_agents(&self, now: Millis) -> Result<Vec<AgentSummary>> {
        todo!()
    }

    /// The agent of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn agent(&self, id: &AgentId) -> Result<Agent> {
        todo!()
    }

    /// The agent of this name in addresses.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn agent_by_slug(&self, slug: &str) -> Result<Agent> {
        todo!()
    }

    /// Makes an agent with its first files. Its slug comes from its name, with `-2`, `-3` when taken.
    ///
    /// # Errors
    /// `Invalid` when a setting or a file breaks a rule, `Conflict` when two files cannot both exist.
    pub async fn create_agent(
        &self,
        owner: &UserId,
        settings: &AgentSettings,
        files: &[(FilePath, Vec<u8>)],
    ) -> Result<Agent> {
        todo!()
    }

    /// Changes an agent's settings. Its slug stays, so that addresses do.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent, `Invalid` when a setting breaks a rule.
    pub async fn update_agent(&self, id: &AgentId, settings: AgentSettings) -> Result<Agent> {
        todo!()
    }

    /// Deletes an agent with its files, revisions, runs and logs.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent, `Conflict` while one of its runs is unfinished.
    pub async fn delete_agent(&self, id: &AgentId) -> Result<()> {
        todo!()
    }
}
