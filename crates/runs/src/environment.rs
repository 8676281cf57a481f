//! What a run is given: the variables of its agent, with the values that its
//! secrets have at its start, and what has to be masked because of that.
//!
//! Values are opened when a run starts and at no other time. Programs get them
//! from the sandbox's environment, which is set when the run has its sandbox:
//! they are in no request that makes a sandbox, and on no command line. Until
//! the run has ended, the store keeps, sealed, what has to be masked in its
//! output: a process that takes the run up must hide the values that the
//! program has, whatever became of the secrets meanwhile.
//!
//! All secrets of the agent's team are masked, not only those the agent is
//! given: a live sandbox may still hold one that was taken away. Other teams'
//! are not: by what is masked, a program could find out what they are.

use crate::{book::until_done, driver::Context, tokens};
use model::{AgentId, RunId, SecretId, VariableValue, secret};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use store::Hold;

/// Variables, and what to mask.
#[derive(Default)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) masked: Vec<String>,
}

/// What is kept of it, sealed, until the run has ended.
#[derive(Serialize, Deserialize)]
struct Kept {
    variables: Vec<String>,
    masked: Vec<String>,
}

impl Environment {
    /// Opens what the runs of an agent are given now.
    ///
    /// # Errors
    /// A sentence that says which variable cannot be given.
    pub(crate) async fn load(context: &Context, agent: &AgentId) -> Result<Self, String> {
        let store = &context.store;
        let (variables, team) = tokio::join!(store.variables(agent), store.team_of_agent(agent));
        let variables = variables.map_err(|error| error.to_string())?;
        let team = team.map_err(|error| error.to_string())?;
        let team = team.ok_or_else(|| "The agent was deleted.".to_owned())?;
        let sealed = store.sealed_secrets(&team).await;
        let sealed = sealed.map_err(|error| error.to_string())?;
        let opened: HashMap<SecretId, Result<String, String>> = sealed
            .into_iter()
            .map(|one| {
                let value = context.vault.open(one.id.as_str(), &one.sealed);
                (one.id, value.map_err(|error| error.0))
            })
            .collect();
        let mut environment = Self::default();
        for variable in variables {
            let name = variable.name;
            let value = match variable.value {
                VariableValue::Plain(value) => value,
                VariableValue::Secret(id) => match opened.get(&id) {
                    Some(Ok(value)) => value.clone(),
                    Some(Err(error)) => return Err(format!("The variable {name} cannot be given. {error}")),
                    None => {
                        return Err(format!(
                            "The variable {name} cannot be given: its secret was deleted."
                        ));
                    }
                },
            };
            environment.variables.insert(name, value);
        }
        // Nobody is given one that cannot be opened.
        environment.masked = opened.into_values().filter_map(Result::ok).collect();
        Ok(environment)
    }

    /// Adds what one run is given for itself. Pitlane's tokens are masked wherever a value is one.
    ///
    /// # Errors
    /// A sentence that says that it is too much.
    pub(crate) fn add(&mut self, own: Option<&BTreeMap<String, String>>) -> Result<(), String> {
        for (name, value) in own.into_iter().flatten() {
            self.variables.insert(name.clone(), value.clone());
        }
        let sizes = self.variables.iter();
        secret::check_size(sizes.map(|(name, value)| name.len() + value.len()).sum())
            .map_err(|error| error.0)?;
        let values = self.variables.values().map(|value| value.trim());
        let tokens = values.filter(|value| tokens::hash_of(value).is_some());
        self.masked.extend(tokens.map(str::to_owned));
        self.masked.sort_unstable();
        self.masked.dedup();
        Ok(())
    }

    /// Keeps what a process that takes the run up has to know. In the database when this returns.
    ///
    /// # Errors
    /// A sentence that says why it cannot be kept.
    pub(crate) async fn keep(&self, context: &Context, hold: &Hold) -> Result<(), String> {
        let run = &hold.run;
        if self.variables.is_empty() && self.masked.is_empty() {
            return Ok(());
        }
        let kept = Kept {
            variables: self.variables.keys().cloned().collect(),
            masked: self.masked.clone(),
        };
        let json = serde_json::to_string(&kept).map_err(|error| error.to_string())?;
        let sealed = context.vault.seal(run.as_str(), &json).map_err(|error| error.0)?;
        until_done(run, "what it is given", || {
            context.store.save_run_environment(hold, &sealed)
        })
        .await
        .map_err(|_| "What the run is given could not be stored, so it is not started.".to_owned())
    }
}

/// What an earlier process gave a run: the names of its variables, and what to mask.
///
/// # Errors
/// A sentence that says why it cannot be known.
pub(crate) async fn recall(context: &Context, run: &RunId) -> Result<(Vec<String>, Vec<String>), String> {
    let sealed = until_done(run, "what it was given", || context.store.run_environment(run))
        .await
        .map_err(|_| "What the run was given cannot be read.".to_owned())?;
    let Some(sealed) = sealed else {
        return Ok((Vec::new(), Vec::new()));
    };
    let json = context
        .vault
        .open(run.as_str(), &sealed)
        .map_err(|error| error.0)?;
    let kept: Kept =
        serde_json::from_str(&json).map_err(|_| "What the run was given cannot be read.".to_owned())?;
    Ok((kept.variables, kept.masked))
}
