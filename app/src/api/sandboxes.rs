//! Sandboxes: provider against ledger, and what a person does about one.

use crate::UiError;
use leptos::prelude::*;
use model::{AgentId, Provider, RunId, SandboxComparison, SandboxName};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the Sandboxes page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxesData {
    /// Provider against ledger.
    pub comparison: SandboxComparison,
    /// Where sandboxes live.
    pub provider: Provider,
    /// How they are kept apart, in a few words.
    pub isolation: String,
    /// The agents they were made for; one that was deleted is not among them.
    pub agents: Vec<AgentName>,
    /// The runs in them, by their numbers.
    pub runs: Vec<(RunId, i64)>,
}

/// An agent as another page names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentName {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
}

/// Every sandbox of the team at the provider and in the ledger, and what differs.
#[server(prefix = "/fn", endpoint = "load_sandboxes")]
pub async fn load_sandboxes() -> Result<SandboxesData, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    super::words::sandboxes(&super::words::onlooker(&caller)).await
}

/// Has provider and ledger compared and put in order at once.
#[server(prefix = "/fn", endpoint = "look_again")]
pub async fn look_again() -> Result<(), UiError> {
    crate::session::can(model::Permission::Run).await?;
    Ok(crate::services::services()?.runs.look_again().await?)
}

/// Stops the run in a sandbox; one that the ledger does not know is stopped at the provider.
#[server(prefix = "/fn", endpoint = "stop_sandbox", input = Json)]
pub async fn stop_sandbox(sandbox: SandboxName) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    let runs = crate::services::services()?.runs;
    Ok(runs
        .stop_sandbox(&super::words::onlooker(&caller), &sandbox)
        .await?)
}

/// Archives a sandbox that is kept between two runs.
#[server(prefix = "/fn", endpoint = "archive_sandbox", input = Json)]
pub async fn archive_sandbox(sandbox: SandboxName) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    let runs = crate::services::services()?.runs;
    Ok(runs
        .archive_sandbox(&super::words::onlooker(&caller), &sandbox)
        .await?)
}

/// Starts an archived sandbox again, for the next run of its agent.
#[server(prefix = "/fn", endpoint = "restore_sandbox", input = Json)]
pub async fn restore_sandbox(sandbox: SandboxName) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    let runs = crate::services::services()?.runs;
    Ok(runs
        .restore_sandbox(&super::words::onlooker(&caller), &sandbox)
        .await?)
}

/// Deletes a sandbox; a run in it is stopped first.
#[server(prefix = "/fn", endpoint = "delete_sandbox", input = Json)]
pub async fn delete_sandbox(sandbox: SandboxName) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    let runs = crate::services::services()?.runs;
    Ok(runs
        .delete_sandbox(&super::words::onlooker(&caller), &sandbox)
        .await?)
}
