//! Secrets, whose values only go in, and the variables of agents.

use crate::UiError;
use leptos::prelude::*;
use model::{AgentId, Millis, Secret, SecretId, Variable};
use serde::{Deserialize, Serialize};

/// The team's secrets, and the server's clock that ages are counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretList {
    /// The secrets by name, without their values.
    pub secrets: Vec<Secret>,
    /// The server's clock.
    pub now: Millis,
}

/// The variables of an agent, and the secrets they may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentVariables {
    /// In order.
    pub variables: Vec<Variable>,
    /// The ids and names of the team's secrets.
    pub secrets: Vec<(SecretId, String)>,
}

/// The team's secrets without their values.
#[server(prefix = "/fn", endpoint = "list_secrets")]
pub async fn list_secrets() -> Result<SecretList, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    let store = crate::services::services()?.store;
    let secrets = store.list_secrets(&caller.team).await?;
    let now = Millis::now();
    Ok(SecretList { secrets, now })
}

/// Keeps a new secret.
#[server(prefix = "/fn", endpoint = "add_secret")]
pub async fn add_secret(name: String, value: String) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let runs = crate::services::services()?.runs;
    runs.add_secret(&caller.team, &caller.user.id, name.trim(), &value)
        .await?;
    crate::session::send_form_on("/settings/secrets");
    Ok(())
}

/// Puts another value in the place of a secret's.
#[server(prefix = "/fn", endpoint = "replace_secret")]
pub async fn replace_secret(secret: SecretId, value: String) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let runs = crate::services::services()?.runs;
    runs.replace_secret(&caller.team, &secret, &value).await?;
    crate::session::send_form_on("/settings/secrets");
    Ok(())
}

/// Deletes a secret that no agent is given.
#[server(prefix = "/fn", endpoint = "delete_secret")]
pub async fn delete_secret(secret: SecretId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    store.delete_secret(&caller.team, &secret).await?;
    crate::session::send_form_on("/settings/secrets");
    Ok(())
}

/// The variables of an agent.
#[server(prefix = "/fn", endpoint = "load_variables", input = server_fn::codec::Json)]
pub async fn load_variables(agent: AgentId) -> Result<AgentVariables, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let store = crate::services::services()?.store;
    let variables = store.variables(&agent).await?;
    let secrets = store.list_secrets(&caller.team).await?.into_iter();
    Ok(AgentVariables {
        variables,
        secrets: secrets.map(|secret| (secret.id, secret.name)).collect(),
    })
}

/// Puts these in the place of an agent's variables.
#[server(prefix = "/fn", endpoint = "save_variables", input = server_fn::codec::Json)]
pub async fn save_variables(agent: AgentId, variables: Vec<Variable>) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let store = crate::services::services()?.store;
    Ok(store.save_variables(&agent, &variables).await?)
}
