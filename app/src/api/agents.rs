//! Agents: the list, new ones, their settings, and what the studio opens with.

use crate::UiError;
use leptos::prelude::*;
use model::{Agent, AgentId, AgentSettings, AgentSummary, FileEntry, Language, Millis, Run};
use serde::{Deserialize, Serialize};

/// What the studio opens with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudioData {
    /// The agent.
    pub agent: Agent,
    /// Its files, without their text.
    pub files: Vec<FileEntry>,
    /// The file that is open first, with its text.
    pub open: Option<model::FileContent>,
    /// The run that was asked for, else its newest.
    pub run: Option<Run>,
    /// Its newest run that the studio started.
    pub newest: Option<Run>,
    /// The revision its files are compared with, to mark what changed since;
    /// none before the first run.
    pub last: Option<LastRevision>,
    /// The sandbox that stands for its next run.
    pub live: Option<LiveSandboxView>,
    /// The server's clock.
    pub now: Millis,
}

/// A revision that the files of an agent are compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRevision {
    /// Its number among those of the agent.
    pub number: i64,
    /// Its files, without their text.
    pub files: Vec<FileEntry>,
}

impl LastRevision {
    /// Whether these files are the same.
    #[must_use]
    pub fn is(&self, files: &[FileEntry]) -> bool {
        self.files.len() == files.len()
            && self.files.iter().all(|then| {
                files
                    .iter()
                    .any(|now| now.path == then.path && now.sha256 == then.sha256)
            })
    }
}

/// A sandbox that stands between runs, as the studio shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSandboxView {
    /// The provider's id.
    pub id: String,
    /// Whether a run uses it now.
    pub in_use: bool,
    /// Whether it has the files as they are saved.
    pub synced: bool,
    /// When it is deleted if nothing uses it.
    pub expires_at: Option<Millis>,
}

/// The list of agents, and the server's clock that ages are counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentList {
    /// The team's agents, newest change first.
    pub agents: Vec<AgentSummary>,
    /// The server's clock.
    pub now: Millis,
}

/// The team's agents.
#[server(prefix = "/fn", endpoint = "list_agents")]
pub async fn list_agents() -> Result<AgentList, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    let now = Millis::now();
    let store = crate::services::services()?.store;
    let agents = store.list_agents(&caller.team, now).await?;
    Ok(AgentList { agents, now })
}

/// Makes an agent from a template, and goes to its studio.
#[server(prefix = "/fn", endpoint = "create_agent_from_template")]
pub async fn create_agent_from_template(template: String, name: Option<String>) -> Result<Agent, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    let template = model::template::find(&template).ok_or_else(|| {
        UiError::new(
            crate::ErrorCode::NotFound,
            "There is no such template. Choose one of the list.",
        )
        .with_status()
    })?;
    let name = name
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| template.title.to_owned());
    let settings = AgentSettings::new(&name, template.description, template.language);
    words::create(&caller, settings, template.files).await
}

/// Makes an agent with one small file, and goes to its studio.
#[server(prefix = "/fn", endpoint = "create_blank_agent")]
pub async fn create_blank_agent(name: String, language: Language) -> Result<Agent, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    let [path, ..] = language.entrypoints();
    let text = words::first_lines(language);
    words::create(&caller, AgentSettings::new(&name, "", language), &[(&path, text)]).await
}

/// What the studio of this agent opens with; `file` is to be open first.
#[server(prefix = "/fn", endpoint = "load_studio")]
pub async fn load_studio(
    slug: String,
    file: Option<String>,
    run: Option<String>,
) -> Result<StudioData, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    words::studio(&caller, &slug, file.as_deref(), run.as_deref()).await
}

/// An agent as it is now.
#[server(prefix = "/fn", endpoint = "load_agent", input = server_fn::codec::Json)]
pub async fn load_agent(agent: AgentId) -> Result<Agent, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await
}

/// Changes an agent's settings.
#[server(prefix = "/fn", endpoint = "update_agent", input = server_fn::codec::Json)]
pub async fn update_agent(agent: AgentId, settings: AgentSettings) -> Result<Agent, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let settings = settings
        .check()
        .map_err(UiError::from)
        .map_err(UiError::with_status)?;
    Ok(crate::services::services()?
        .store
        .update_agent(&agent, settings)
        .await?)
}

/// Deletes an agent with its files, runs and logs.
#[server(prefix = "/fn", endpoint = "delete_agent")]
pub async fn delete_agent(agent: AgentId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?.store.delete_agent(&agent).await?)
}

#[cfg(feature = "ssr")]
use super::words;
