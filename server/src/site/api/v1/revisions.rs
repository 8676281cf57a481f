//! Revisions: the files of an agent as they were when something ran.

use super::{
    super::super::{
        Site,
        permission::{Can, Read},
        pressure::{Client, no_room_for_it},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    entity_tag, found,
    page::Page,
};
use crate::connections::hold_until_sent;
use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use model::{AgentId, FileDifference, FileEntry, FilePath, Millis, RevisionId};
use serde::{Deserialize, Serialize};
use store::{Revision, StoreError};
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_file, _, _>(file),
        endpoint::<__path_compare, _, _>(compare),
    ]
}

/// A revision with its files.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionView {
    id: RevisionId,
    agent: AgentId,
    /// Counts the agent's revisions from 1.
    number: i64,
    created_at: Millis,
    files: Vec<FileEntry>,
}

impl From<Revision> for RevisionView {
    fn from(revision: Revision) -> Self {
        Self {
            id: revision.id,
            agent: revision.agent,
            number: revision.number,
            created_at: revision.created_at,
            files: revision.files,
        }
    }
}

/// Which page of the revisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RevisionsWanted {
    /// How many items at most.
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; none for the first.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    cursor: Option<i64>,
}

/// Which other revision.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct With {
    /// The revision it is compared with.
    #[param(value_type = RevisionId)]
    with: String,
}

/// Lists the revisions of an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}/revisions", tag = "Revisions", operation_id = "list_revisions",
    params(("agent" = String, Path, description = "Its id or slug"), RevisionsWanted),
    responses((status = 200, body = Page<RevisionView>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Path(named): Path<String>,
    Query(wanted): Query<RevisionsWanted>,
) -> Result<Json<Page<RevisionView>>, Refusal> {
    let limit = wanted.limit.unwrap_or(20);
    if !(1..=50).contains(&limit) {
        return Err(model::Invalid(format!(
            "A page has 1 to 50 revisions, not {limit}. Change limit."
        ))
        .into());
    }
    let agent = can.agent_named(&site, &named).await?;
    let store = &site.services.store;
    let found = store
        .revisions_before(&agent.id, wanted.cursor, limit + 1)
        .await?;
    let cursor = |revision: &Revision| revision.number.to_string();
    Ok(Json(Page::of(found, limit, cursor, RevisionView::from)))
}

/// Shows a revision
#[utoipa::path(get, path = "/api/v1/revisions/{revision}", tag = "Revisions", operation_id = "get_revision",
    params(("revision" = RevisionId, Path, description = "Its id")), responses((status = 200, body = RevisionView)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<RevisionView>, Refusal> {
    Ok(Json(found::revision(&site, &can, &id).await?.into()))
}

/// Gets a file of a revision
#[utoipa::path(get, path = "/api/v1/revisions/{revision}/files/{*path}", tag = "Revisions", operation_id = "get_file_of_revision",
    params(("revision" = RevisionId, Path, description = "Its id"), ("path" = FilePath, Path)),
    responses((status = 200, body = [u8], content_type = "application/octet-stream", headers(("ETag" = String)))))]
pub async fn file(
    can: Can<Read>,
    State(site): State<Site>,
    Path((id, path)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (revision, path) = (found::revision(&site, &can, &id).await?, FilePath::parse(&path)?);
    let missing = || StoreError::NotFound(format!("This revision has no file {path}."));
    let entry = revision
        .files
        .iter()
        .find(|entry| entry.path == path)
        .ok_or_else(missing)?;
    let reserved = match site
        .pressure
        .room
        .reserve(&Client::Person(can.user.id), entry.size)
    {
        Ok(reserved) => reserved,
        Err(no_room) => return Ok(no_room_for_it(no_room)),
    };
    let bytes = site.services.store.content(&entry.sha256).await?;
    let headers = [
        (header::ETAG, entity_tag::header_of(entry)),
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
    ];
    Ok(hold_until_sent((headers, bytes).into_response(), reserved))
}

/// Compares two revisions
///
/// What differs in their files, from this one to the other.
#[utoipa::path(get, path = "/api/v1/revisions/{revision}/compare", tag = "Revisions", operation_id = "compare_revisions",
    params(("revision" = RevisionId, Path, description = "Its id"), With),
    responses((status = 200, body = Vec<FileDifference>)))]
pub async fn compare(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(with): Query<With>,
) -> Result<Json<Vec<FileDifference>>, Refusal> {
    let a = found::revision(&site, &can, &id).await?;
    let b = found::revision(&site, &can, &with.with).await?;
    Ok(Json(site.services.runs.compare_revisions(&a.id, &b.id).await?))
}
