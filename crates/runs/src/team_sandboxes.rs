//! Which sandboxes a team sees and may stop, archive, restore or delete: those
//! of its agents. One whose agent is not known any more is nobody's, and so the
//! business of the instance's owner.

use crate::{Runs, RunsError, by_hand, comparison};
use model::{AgentId, SandboxComparison, SandboxName, TeamId};
use std::collections::HashMap;

/// For whom sandboxes are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onlooker {
    /// Their team.
    pub team: TeamId,
    /// Whether they see what is nobody's too.
    pub strays: bool,
}

impl Runs {
    /// Every sandbox of the team that the provider lists under this installation's label or that the
    /// ledger has an open row for, and what differs. A provider that cannot be asked is no error: the
    /// ledger's part is told all the same.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn compare_sandboxes(&self, who: &Onlooker) -> Result<SandboxComparison, RunsError> {
        let mut comparison = comparison::compare(&self.context).await?;
        let mut known: HashMap<AgentId, Option<TeamId>> = HashMap::new();
        for agent in comparison.sandboxes.iter().filter_map(|sandbox| sandbox.agent()) {
            if !known.contains_key(agent) {
                let team = self.context.store.team_of_agent(agent).await?;
                known.insert(agent.clone(), team);
            }
        }
        comparison.sandboxes.retain(|sandbox| {
            let team = sandbox
                .agent()
                .and_then(|agent| known.get(agent))
                .and_then(Option::as_ref);
            sees(who, team)
        });
        Ok(comparison)
    }

    /// Stops the run in a sandbox; one that no row has is stopped at the provider.
    ///
    /// # Errors
    /// When the team has no such sandbox, there is nothing to stop, or the provider refuses.
    pub async fn stop_sandbox(&self, who: &Onlooker, sandbox: &SandboxName) -> Result<(), RunsError> {
        self.check_sandbox(who, sandbox).await?;
        by_hand::stop(self, sandbox).await
    }

    /// Archives a sandbox that is kept between two runs: its programs end, its files stay for 30 days, and
    /// no run takes it. Goes on when the caller does not wait for it.
    ///
    /// # Errors
    /// When the team has no such sandbox, a run is in it, or the provider refuses.
    pub async fn archive_sandbox(&self, who: &Onlooker, sandbox: &SandboxName) -> Result<(), RunsError> {
        self.check_sandbox(who, sandbox).await?;
        by_hand::archive(self, sandbox).await
    }

    /// Starts an archived sandbox again, for the next run of its agent: it is then kept as one after a run,
    /// for 15 minutes at least. Goes on when the caller does not wait for it.
    ///
    /// # Errors
    /// When the team has no such sandbox, it is not archived, its agent has another, or the provider refuses.
    pub async fn restore_sandbox(&self, who: &Onlooker, sandbox: &SandboxName) -> Result<(), RunsError> {
        self.check_sandbox(who, sandbox).await?;
        by_hand::restore(self, sandbox).await
    }

    /// Deletes a sandbox, and confirms that it is gone. A run in it is stopped first.
    ///
    /// # Errors
    /// When the team has no such sandbox, the run in it does not end, or the provider does not confirm.
    pub async fn delete_sandbox(&self, who: &Onlooker, sandbox: &SandboxName) -> Result<(), RunsError> {
        self.check_sandbox(who, sandbox).await?;
        by_hand::delete(self, sandbox).await
    }

    async fn check_sandbox(&self, who: &Onlooker, sandbox: &SandboxName) -> Result<(), RunsError> {
        let agent = by_hand::agent_of(&self.context, sandbox).await?;
        let team = match &agent {
            Some(agent) => self.context.store.team_of_agent(agent).await?,
            None => None,
        };
        if sees(who, team.as_ref()) {
            return Ok(());
        }
        Err(RunsError::NotFound(
            "There is no such sandbox. Was it deleted?".to_owned(),
        ))
    }
}

fn sees(who: &Onlooker, team: Option<&TeamId>) -> bool {
    team.map_or(who.strays, |team| *team == who.team)
}
