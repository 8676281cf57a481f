//! Saving secrets: sealed here, so that the store never has a value.

use crate::{Runs, RunsError};
use model::{SecretId, TeamId, UserId, secret};

impl Runs {
    /// Keeps a new secret of a team.
    ///
    /// # Errors
    /// When its name is taken or it breaks a rule.
    pub async fn add_secret(
        &self,
        team: &TeamId,
        owner: &UserId,
        name: &str,
        value: &str,
    ) -> Result<SecretId, RunsError> {
        secret::check_name(name)?;
        secret::check_secret(value)?;
        let id = SecretId::generate();
        let sealed = self.context.vault.seal(id.as_str(), value)?;
        self.context
            .store
            .create_secret(team, owner, &id, name, &sealed)
            .await?;
        Ok(id)
    }

    /// Puts another value in the place of a secret's. Runs that are under way keep the one they have.
    ///
    /// # Errors
    /// When the team has no such secret or the value breaks a rule.
    pub async fn replace_secret(&self, team: &TeamId, id: &SecretId, value: &str) -> Result<(), RunsError> {
        secret::check_secret(value)?;
        let sealed = self.context.vault.seal(id.as_str(), value)?;
        Ok(self.context.store.replace_secret(team, id, &sealed).await?)
    }
}
