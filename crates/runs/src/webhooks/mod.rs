//! Webhooks in both directions. A message that comes to an agent's address
//! starts a run (`receive`); what happens is told to the addresses of a team
//! (`deliver`). Both are signed alike (`signature`), with secrets that are
//! sealed in the store and shown once, when they are made.

mod answer;
mod backoff;
mod deliver;
mod reach;
mod receive;
mod sender;
mod signature;

pub use reach::Reach;
pub use receive::{Incoming, Refused};
pub use signature::sign;

pub(crate) use deliver::keep;

use crate::{Runs, RunsError};
use model::{AgentHook, AgentId, HookId, Invalid, NewTarget, TargetId, TeamId, UserId, WebhookTarget};

impl Runs {
    /// Gives an agent a webhook; the second value is its secret, which is told nowhere again.
    ///
    /// # Errors
    /// When the agent has one, or is not there.
    pub async fn create_hook(
        &self,
        agent: &AgentId,
        user: &UserId,
    ) -> Result<(AgentHook, String), RunsError> {
        let (id, secret) = (HookId::generate(), signature::new_secret()?);
        let sealed = self.context.vault.seal(id.as_str(), &secret)?;
        let store = &self.context.store;
        Ok((store.create_hook(agent, user, &id, &sealed).await?, secret))
    }

    /// Gives the webhook of an agent another secret, which is told here and nowhere again. The one before
    /// counts for a day beside it.
    ///
    /// # Errors
    /// When the agent has no webhook.
    pub async fn rotate_hook(&self, agent: &AgentId) -> Result<String, RunsError> {
        let store = &self.context.store;
        let hook = store.hook_of(agent).await?;
        let hook = hook.ok_or_else(|| RunsError::NotFound("This agent has no webhook.".to_owned()))?;
        let secret = signature::new_secret()?;
        let sealed = self.context.vault.seal(hook.id.as_str(), &secret)?;
        store.rotate_hook(agent, &sealed).await?;
        Ok(secret)
    }

    /// Has an address told of events of a team; the second value is its secret, which is told nowhere again.
    ///
    /// # Errors
    /// When it cannot be an address, or one that may not be connected to, or the team has as many as it may.
    pub async fn create_target(
        &self,
        team: &TeamId,
        said: NewTarget,
    ) -> Result<(WebhookTarget, String), RunsError> {
        let said = self.checked_target(said)?;
        let (id, secret) = (TargetId::generate(), signature::new_secret()?);
        let sealed = self.context.vault.seal(id.as_str(), &secret)?;
        let store = &self.context.store;
        Ok((store.create_target(team, &id, said, &sealed).await?, secret))
    }

    /// Changes an address of a team, and switches it on or off.
    ///
    /// # Errors
    /// As [`Runs::create_target`], and when the team has no such address.
    pub async fn update_target(
        &self,
        team: &TeamId,
        id: &TargetId,
        said: NewTarget,
        is_on: bool,
    ) -> Result<(), RunsError> {
        let said = self.checked_target(said)?;
        Ok(self.context.store.update_target(team, id, said, is_on).await?)
    }

    /// Gives an address another secret, which is told here and nowhere again. For a day messages carry
    /// the signatures of both.
    ///
    /// # Errors
    /// When the team has no such address.
    pub async fn rotate_target(&self, team: &TeamId, id: &TargetId) -> Result<String, RunsError> {
        let secret = signature::new_secret()?;
        let sealed = self.context.vault.seal(id.as_str(), &secret)?;
        self.context.store.rotate_target(team, id, &sealed).await?;
        Ok(secret)
    }

    fn checked_target(&self, said: NewTarget) -> Result<NewTarget, Invalid> {
        let said = said.check()?;
        reach::check_url(&said.url, &self.context.config.webhook_reach)?;
        Ok(said)
    }
}
