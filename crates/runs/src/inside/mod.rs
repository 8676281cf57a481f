//! What programs do inside a sandbox: files up and down, git, background
//! processes, ports. One file for each.

mod files;
mod git;
mod ports;
mod processes;

pub use git::CloneRequest;

use crate::{Runs, RunsError};
use daytona::{Sandbox, SandboxState as ProviderState, Toolbox};
use model::{AgentId, Invalid, SandboxId, SandboxName, SandboxState};
use store::StoreError;

impl Runs {
    /// The sandbox that is named by our id or the provider's, and the agent it is for; none when the
    /// ledger has no row of it.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none any more.
    pub async fn sandbox_named(&self, id: &str) -> Result<(SandboxName, Option<AgentId>), RunsError> {
        let store = &self.context.store;
        if let Ok(id) = SandboxId::parse(id) {
            match store.sandbox(&id).await {
                Ok(row) if row.state != SandboxState::Deleted => {
                    return Ok((SandboxName::Row(id), Some(row.agent)));
                }
                Ok(_) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let rows = store.list_sandboxes().await?;
        let row = rows
            .into_iter()
            .find(|row| row.provider_id.as_deref() == Some(id));
        match row {
            Some(row) if row.state != SandboxState::Deleted => {
                Ok((SandboxName::Row(row.id), Some(row.agent)))
            }
            _ => Err(missing()),
        }
    }

    /// The provider's sandbox of this name, if it is ours.
    pub(crate) async fn provided(&self, name: &SandboxName) -> Result<Sandbox, RunsError> {
        let context = &self.context;
        let id = match name {
            SandboxName::Provider(id) => id.clone(),
            SandboxName::Row(id) => context.store.sandbox(id).await?.provider_id.ok_or_else(|| {
                RunsError::Conflict(
                    "The provider has not made this sandbox yet. Try again in a moment.".to_owned(),
                )
            })?,
        };
        let sandbox = context.client.get(&id).await.map_err(|error| self.told(error))?;
        if context.sandboxes.is_ours(&sandbox) {
            Ok(sandbox)
        } else {
            Err(missing())
        }
    }

    /// The way into a sandbox that is started.
    async fn reach(&self, name: &SandboxName) -> Result<Toolbox, RunsError> {
        let sandbox = self.provided(name).await?;
        if sandbox.state != Some(ProviderState::Started) {
            let state = sandbox.state.map_or("in no known state", ProviderState::as_str);
            return Err(RunsError::Conflict(format!(
                "This sandbox is {state}, so nothing can be done in it. Run its agent to have it started."
            )));
        }
        let toolbox = self.context.client.toolbox(&sandbox).await;
        toolbox.map_err(|error| self.told(error))
    }

    /// What the provider did not do, for the person who asked for it. Its words may repeat our own key.
    pub(crate) fn told(&self, error: daytona::Error) -> RunsError {
        let words = error.message().map_or_else(|| error.to_string(), str::to_owned);
        let mut words = self.context.masks.own().mask(&words).into_owned();
        if !words.ends_with(['.', '!', '?']) {
            words.push('.');
        }
        match error.status() {
            Some(404 | 410) => RunsError::NotFound(words),
            Some(409) => RunsError::Conflict(words),
            Some(400 | 401 | 403 | 405..=408 | 413..=422) => Invalid(words).into(),
            _ => RunsError::Provider(words),
        }
    }
}

fn missing() -> RunsError {
    RunsError::NotFound("There is no such sandbox. Was it deleted?".to_owned())
}

/// Refuses what no command, path or name can hold.
fn check_text(what: &str, text: &str, most: usize) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid(format!("{what} is empty.")));
    }
    if text.contains('\0') {
        return Err(Invalid(format!(
            "{what} holds a NUL, which nothing can be given."
        )));
    }
    if text.len() > most {
        return Err(Invalid(format!(
            "{what} has {} bytes, and {most} is the limit.",
            text.len()
        )));
    }
    Ok(())
}
