//! Runs: start, stop, write to, and read about.

use super::agents::LiveSandboxView;
use crate::UiError;
use leptos::prelude::*;
use model::{Agent, AgentId, LogFrame, Millis, Run, RunId};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// A run with what its page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunData {
    /// The run.
    pub run: Run,
    /// Its agent.
    pub agent: Agent,
    /// The number of the revision it executes.
    pub revision: i64,
    /// The files of that revision, and their text where it is text.
    pub files: Vec<(String, Option<String>)>,
    /// The end of its log, as far as the page is painted with it.
    pub log: Vec<LogFrame>,
    /// Where in the log that begins.
    pub log_from: u64,
    /// What it cost so far.
    pub cost: model::RunCost,
    /// The server's clock.
    pub now: Millis,
}

/// Starts a run of the agent's files as they are saved. The same `id` twice is one run.
#[server(prefix = "/fn", endpoint = "start_run", input = Json)]
pub async fn start_run(id: RunId, agent: AgentId, fresh: bool) -> Result<Run, UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let start = runs::StartRun {
        id,
        agent,
        args: Vec::new(),
        timeout_seconds: None,
        fresh,
        trigger: model::Trigger::person(&caller.user),
        person: Some(caller.user.id),
        in_studio: true,
    };
    Ok(crate::services::services()?.runs.start(start).await?)
}

/// Stops a run.
#[server(prefix = "/fn", endpoint = "stop_run", input = Json)]
pub async fn stop_run(run: RunId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    crate::session::run_of(&caller, &run).await?;
    Ok(crate::services::services()?.runs.stop(&run).await?)
}

/// Writes to the program's standard input; `end` closes it afterwards.
#[server(prefix = "/fn", endpoint = "send_input", input = Json)]
pub async fn send_input(run: RunId, text: String, end: bool) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    crate::session::run_of(&caller, &run).await?;
    Ok(crate::services::services()?
        .runs
        .input(&run, text.into_bytes(), end)
        .await?)
}

/// The sandbox that stands for the agent's next run.
#[server(prefix = "/fn", endpoint = "live_sandbox", input = Json)]
pub async fn live_sandbox(agent: AgentId) -> Result<Option<LiveSandboxView>, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    super::words::live_sandbox(&agent).await
}

/// Deletes the sandbox that stands for the agent's next run.
#[server(prefix = "/fn", endpoint = "discard_sandbox", input = Json)]
pub async fn discard_sandbox(agent: AgentId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Run).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?.runs.discard_sandbox(&agent).await?)
}

/// The newest runs of an agent, at most 100; those older than `before`.
#[server(prefix = "/fn", endpoint = "list_runs", input = Json)]
pub async fn list_runs(agent: AgentId, before: Option<RunId>) -> Result<Vec<Run>, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?
        .store
        .list_runs(&caller.team, Some(&agent), before.as_ref(), 100)
        .await?)
}

/// The newest run of an agent that was started in the studio.
#[server(prefix = "/fn", endpoint = "newest_studio_run", input = Json)]
pub async fn newest_studio_run(agent: AgentId) -> Result<Option<Run>, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?
        .store
        .newest_studio_run(&agent)
        .await?)
}

/// A run.
#[server(prefix = "/fn", endpoint = "load_run", input = Json)]
pub async fn load_run(id: RunId) -> Result<Run, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::run_of(&caller, &id).await
}

/// A run with its agent and the code as it was.
#[server(prefix = "/fn", endpoint = "load_run_page", input = Json)]
pub async fn load_run_page(id: String) -> Result<RunData, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    super::words::run_data(&caller, &id).await
}
