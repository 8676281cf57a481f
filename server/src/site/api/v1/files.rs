//! The files of an agent: list, get, put, delete, rename. A file is its bytes;
//! its `ETag` names what is there, and `If-Match` lets a client change only
//! what it has seen.

use super::{
    super::super::{
        Site,
        files::attachment,
        permission::{Can, Edit, PermissionMarker, Read},
        pressure::{Client, no_room_for_it},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    entity_tag,
    given::Given,
    page::Page,
};
use crate::connections::hold_until_sent;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use model::{Agent, FileEntry, FilePath, SaveOutcome, file::check_size};
use serde::Deserialize;
use store::StoreError;
use utoipa::ToSchema;

/// How often a file that others save at the same moment is tried to be saved.
const ATTEMPTS: u32 = 10;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_get, _, _>(get),
        endpoint::<__path_put, _, _>(put),
        endpoint::<__path_delete, _, _>(delete),
        endpoint::<__path_rename, _, _>(rename),
    ]
}

/// Which page of the files.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilesWanted {
    /// How many items at most.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; none for the first.
    cursor: Option<String>,
}

/// Another path.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    to: FilePath,
}

/// The agent and the path of a request.
async fn found<P: PermissionMarker>(
    can: &Can<P>,
    site: &Site,
    named: &str,
    path: &str,
) -> Result<(Agent, FilePath), Refusal> {
    Ok((can.agent_named(site, named).await?, FilePath::parse(path)?))
}

/// The file as it is; none when there is none.
async fn entry(site: &Site, agent: &Agent, path: &FilePath) -> Result<Option<FileEntry>, Refusal> {
    let files = site.services.store.list_files(&agent.id).await?;
    Ok(files.into_iter().find(|entry| entry.path == *path))
}

fn missing(path: &FilePath) -> Refusal {
    StoreError::NotFound(format!("There is no file {path}. Was it deleted or renamed?")).into()
}

/// Lists files
///
/// In order of their paths.
#[utoipa::path(get, path = "/api/v1/agents/{agent}/files", tag = "Files", operation_id = "list_files",
    params(("agent" = String, Path, description = "Its id or slug"), FilesWanted),
    responses((status = 200, body = Page<FileEntry>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Path(named): Path<String>,
    Query(wanted): Query<FilesWanted>,
) -> Result<Json<Page<FileEntry>>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let most = u32::try_from(model::file::MAX_FILES).unwrap_or(u32::MAX);
    let limit = wanted.limit.unwrap_or(most);
    if !(1..=most).contains(&limit) {
        return Err(model::Invalid(format!(
            "A page has 1 to {most} files, not {limit}. Change limit."
        ))
        .into());
    }
    let mut files = site.services.store.list_files(&agent.id).await?;
    files.retain(|entry| {
        wanted
            .cursor
            .as_deref()
            .is_none_or(|cursor| entry.path.as_str() > cursor)
    });
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Json(Page::of(
        files,
        limit,
        |entry| entry.path.to_string(),
        |entry| entry,
    )))
}

/// Gets a file
///
/// Its bytes. With `If-None-Match` only when it is not the one that is known.
#[utoipa::path(get, path = "/api/v1/agents/{agent}/files/{*path}", tag = "Files", operation_id = "get_file",
    params(("agent" = String, Path, description = "Its id or slug"), ("path" = FilePath, Path),
        ("If-None-Match" = Option<String>, Header, description = "ETags that are known")),
    responses((status = 200, body = [u8], content_type = "application/octet-stream", headers(("ETag" = String))),
        (status = 304, description = "It is one of those that are known")))]
pub async fn get(
    can: Can<Read>,
    State(site): State<Site>,
    Path((agent, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (agent, path) = found(&can, &site, &agent, &path).await?;
    let entry = entry(&site, &agent, &path).await?.ok_or_else(|| missing(&path))?;
    let tag = (header::ETAG, entity_tag::header_of(&entry));
    if entity_tag::is_known(&headers, &entry) {
        return Ok((StatusCode::NOT_MODIFIED, [tag]).into_response());
    }
    let client = Client::Person(can.user.id);
    let reserved = match site.pressure.room.reserve(&client, entry.size) {
        Ok(reserved) => reserved,
        Err(no_room) => return Ok(no_room_for_it(no_room)),
    };
    let bytes = site.services.store.content(&entry.sha256).await?;
    let headers = [
        tag,
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CONTENT_DISPOSITION, attachment(path.name())),
    ];
    Ok(hold_until_sent((headers, bytes).into_response(), reserved))
}

/// Puts a file
///
/// The body is the file. With `If-Match: "…"` only in the place of what is known, with `If-None-Match: *`
/// only where there is none; without them whatever is there is replaced.
#[utoipa::path(put, path = "/api/v1/agents/{agent}/files/{*path}", tag = "Files", operation_id = "put_file",
    params(("agent" = String, Path, description = "Its id or slug"), ("path" = FilePath, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of what may be replaced"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: replace nothing")),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = FileEntry, headers(("ETag" = String)), description = "It is replaced"),
        (status = 201, body = FileEntry, headers(("ETag" = String)), description = "It is new"),
        (status = 409, description = "It collides with another file, or was changed at the same moment"), (status = 412, description = "It is not what the condition names")))]
pub async fn put(
    can: Can<Edit>,
    State(site): State<Site>,
    Path((agent, path)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (agent, path) = found(&can, &site, &agent, &path).await?;
    check_size(&path, body.len() as u64).map_err(|error| Refusal::too_large(error.0))?;
    let store = &site.services.store;
    for _ in 0..ATTEMPTS {
        let current = entry(&site, &agent, &path).await?;
        entity_tag::check(&headers, current.as_ref())?;
        let base = current.as_ref().map(|entry| entry.version);
        let saved = match store.save_file(&agent.id, &path, &body, base).await {
            Ok(SaveOutcome::Saved(saved)) => saved,
            // Somebody was faster: the conditions are asked anew.
            Ok(SaveOutcome::Conflict(_)) => continue,
            Err(StoreError::NotFound(_)) if base.is_some() => continue,
            Err(error) => return Err(error.into()),
        };
        site.services.runs.files_changed(&agent.id);
        let status = match current {
            Some(_) => StatusCode::OK,
            None => StatusCode::CREATED,
        };
        let tag = [(header::ETAG, entity_tag::header_of(&saved))];
        return Ok((status, tag, Json(saved)).into_response());
    }
    Err(Refusal::busy(
        format!("{path} is being saved by others all the time. Try again in a moment."),
        1,
    ))
}

/// Deletes a file
#[utoipa::path(delete, path = "/api/v1/agents/{agent}/files/{*path}", tag = "Files", operation_id = "delete_file",
    params(("agent" = String, Path, description = "Its id or slug"), ("path" = FilePath, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of what may be deleted")),
    responses((status = 204, description = "It is deleted"), (status = 409, description = "It collides with another file, or was changed at the same moment"),
        (status = 412, description = "It is not what the condition names")))]
pub async fn delete(
    can: Can<Edit>,
    State(site): State<Site>,
    Path((agent, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let (agent, path) = found(&can, &site, &agent, &path).await?;
    let current = entry(&site, &agent, &path).await?;
    entity_tag::check(&headers, current.as_ref())?;
    let base = current.ok_or_else(|| missing(&path))?.version;
    let is_bound = headers.contains_key(header::IF_MATCH);
    let store = &site.services.store;
    store
        .delete_file(&agent.id, &path, is_bound.then_some(base))
        .await?;
    site.services.runs.files_changed(&agent.id);
    Ok(StatusCode::NO_CONTENT)
}

/// Renames a file
///
/// Its version stays, and so does its ETag.
#[utoipa::path(patch, path = "/api/v1/agents/{agent}/files/{*path}", tag = "Files", operation_id = "rename_file",
    params(("agent" = String, Path, description = "Its id or slug"), ("path" = FilePath, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of what may be renamed")),
    request_body = Rename,
    responses((status = 200, body = FileEntry, headers(("ETag" = String))),
        (status = 409, description = "It collides with another file, or was changed at the same moment"), (status = 412, description = "It is not what the condition names")))]
pub async fn rename(
    can: Can<Edit>,
    State(site): State<Site>,
    Path((agent, path)): Path<(String, String)>,
    headers: HeaderMap,
    given: Given<Rename>,
) -> Result<Response, Refusal> {
    let (agent, path) = found(&can, &site, &agent, &path).await?;
    let current = entry(&site, &agent, &path).await?;
    entity_tag::check(&headers, current.as_ref())?;
    let store = &site.services.store;
    let renamed = store.rename_file(&agent.id, &path, &given.body.to).await?;
    site.services.runs.files_changed(&agent.id);
    let tag = [(header::ETAG, entity_tag::header_of(&renamed))];
    Ok((tag, Json(renamed)).into_response())
}
