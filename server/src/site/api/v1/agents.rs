//! Agents: list, make whole, look at, change, delete.

use super::{
    super::super::{
        Site,
        permission::{Can, Edit, Read},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    given::{Given, there},
    once::{Made, once},
    page::{Page, Wanted},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use model::{Agent, AgentId, AgentSettings, FilePath, Language, Millis, Resources, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_create, _, _>(create),
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_change, _, _>(change),
        endpoint::<__path_delete, _, _>(delete),
    ]
}

/// An agent with its settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct AgentView {
    id: AgentId,
    /// Its name in addresses: lower-case letters, digits and hyphens; unique.
    slug: String,
    name: String,
    /// One sentence on what it does; may be empty.
    description: String,
    language: Language,
    /// The file to run; none to find it by its usual names.
    entrypoint: Option<String>,
    /// How long a run may take, in seconds.
    timeout_seconds: u32,
    /// How long the sandbox is kept after a run for the next one, in minutes.
    keep_minutes: u32,
    resources: Resources,
    /// Who made it.
    owner: UserId,
    /// Counts its revisions; 0 before the first run.
    revision: i64,
    created_at: Millis,
    /// When it or one of its files was last changed.
    updated_at: Millis,
}

impl From<Agent> for AgentView {
    fn from(agent: Agent) -> Self {
        let settings = agent.settings;
        Self {
            id: agent.id,
            slug: agent.slug,
            name: settings.name,
            description: settings.description,
            language: settings.language,
            entrypoint: settings.entrypoint,
            timeout_seconds: settings.timeout_seconds,
            keep_minutes: settings.keep_minutes,
            resources: settings.resources,
            owner: agent.owner,
            revision: agent.revision_number,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}

/// A whole agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Scout", "language": "python", "files": [{"path": "agent.py", "content": "print(1)\n"}]}))]
pub struct NewAgent {
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    language: Language,
    #[serde(default)]
    #[schema(max_items = 1000)]
    files: Vec<NewFile>,
    /// One sentence on what it does.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// The file to run; none to find it by its usual names.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<FilePath>)]
    entrypoint: Option<Option<FilePath>>,
    /// How long a run may take, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    timeout_seconds: Option<u32>,
    /// How long the sandbox is kept after a run for the next one, in minutes.
    #[schema(minimum = 0, maximum = 1440)]
    keep_minutes: Option<u32>,
    resources: Option<Resources>,
}

/// One file of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    path: FilePath,
    /// Its text.
    content: String,
}

/// What is changed about an agent; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentChange {
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: Option<String>,
    language: Option<Language>,
    /// One sentence on what it does.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// The file to run; none to find it by its usual names.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<FilePath>)]
    entrypoint: Option<Option<FilePath>>,
    /// How long a run may take, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    timeout_seconds: Option<u32>,
    /// How long the sandbox is kept after a run for the next one, in minutes.
    #[schema(minimum = 0, maximum = 1440)]
    keep_minutes: Option<u32>,
    resources: Option<Resources>,
}

impl AgentChange {
    /// The settings with the changes.
    fn of(self, settings: AgentSettings) -> AgentSettings {
        AgentSettings {
            name: self.name.unwrap_or(settings.name),
            description: self.description.unwrap_or(settings.description),
            language: self.language.unwrap_or(settings.language),
            entrypoint: self
                .entrypoint
                .map_or(settings.entrypoint, |path| path.map(String::from)),
            timeout_seconds: self.timeout_seconds.unwrap_or(settings.timeout_seconds),
            keep_minutes: self.keep_minutes.unwrap_or(settings.keep_minutes),
            resources: self.resources.unwrap_or(settings.resources),
        }
    }
}

/// Lists agents
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/agents", tag = "Agents", operation_id = "list_agents", params(Wanted),
    responses((status = 200, body = Page<AgentView>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<AgentView>>, Refusal> {
    let limit = wanted.limit()?;
    let store = &site.services.store;
    let found = store
        .agents_before(&can.team, wanted.cursor.as_deref(), limit + 1)
        .await?;
    Ok(Json(Page::of(
        found,
        limit,
        |agent| agent.id.to_string(),
        AgentView::from,
    )))
}

/// Makes an agent
///
/// Whole, with its files. Its name in addresses comes from its name.
#[utoipa::path(post, path = "/api/v1/agents", tag = "Agents", operation_id = "create_agent", request_body = NewAgent,
    responses((status = 201, body = AgentView, headers(("Location" = String, description = "Its address")))))]
pub async fn create(
    can: Can<Edit>,
    State(site): State<Site>,
    given: Given<NewAgent>,
) -> Result<Response, Refusal> {
    let new = given.body;
    let usual = AgentSettings::new(&new.name, "", new.language);
    let settings = AgentChange {
        name: None,
        language: None,
        description: new.description,
        entrypoint: new.entrypoint,
        timeout_seconds: new.timeout_seconds,
        keep_minutes: new.keep_minutes,
        resources: new.resources,
    }
    .of(usual);
    let files = new.files.into_iter();
    let files: Vec<_> = files.map(|file| (file.path, file.content.into_bytes())).collect();
    let (store, team, owner) = (site.services.store.clone(), can.team.clone(), can.user.id.clone());
    once(&site, &can, given.asked, async move {
        let agent = store.create_agent(&team, &owner, &settings, &files).await?;
        Made::at(format!("/api/v1/agents/{}", agent.id), &AgentView::from(agent))
    })
    .await
}

/// Shows an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}", tag = "Agents", operation_id = "get_agent",
    params(("agent" = String, Path, description = "Its id or slug")),
    responses((status = 200, body = AgentView)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path(named): Path<String>,
) -> Result<Json<AgentView>, Refusal> {
    Ok(Json(can.agent_named(&site, &named).await?.into()))
}

/// Changes an agent
///
/// What is left out stays as it is.
#[utoipa::path(patch, path = "/api/v1/agents/{agent}", tag = "Agents", operation_id = "change_agent",
    params(("agent" = String, Path, description = "Its id or slug")), request_body = AgentChange,
    responses((status = 200, body = AgentView)))]
pub async fn change(
    can: Can<Edit>,
    State(site): State<Site>,
    Path(named): Path<String>,
    given: Given<AgentChange>,
) -> Result<Json<AgentView>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let settings = given.body.of(agent.settings);
    Ok(Json(
        site.services
            .store
            .update_agent(&agent.id, settings)
            .await?
            .into(),
    ))
}

/// Deletes an agent
///
/// With its files, runs and logs. Refused while one of its runs goes on.
#[utoipa::path(delete, path = "/api/v1/agents/{agent}", tag = "Agents", operation_id = "delete_agent",
    params(("agent" = String, Path, description = "Its id or slug")),
    responses((status = 204, description = "It is deleted")))]
pub async fn delete(
    can: Can<Edit>,
    State(site): State<Site>,
    Path(named): Path<String>,
) -> Result<StatusCode, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    site.services.store.delete_agent(&agent.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
