//! Inside a sandbox: files up and down, git, background processes.

use super::{
    super::super::{
        Site,
        permission::{Can, Run as MayRun},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    found,
    given::Given,
    once::{Made, once},
};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use model::{ProcessLog, SandboxFile, SandboxProcess};
use runs::CloneRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_files, _, _>(files),
        endpoint::<__path_download, _, _>(download),
        endpoint::<__path_upload, _, _>(upload),
        endpoint::<__path_delete, _, _>(delete),
        endpoint::<__path_clone, _, _>(clone),
        endpoint::<__path_processes, _, _>(processes),
        endpoint::<__path_start, _, _>(start),
        endpoint::<__path_log, _, _>(log),
        endpoint::<__path_stop, _, _>(stop),
    ]
}

/// Where in a sandbox.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Place {
    /// A path: absolute, or from the work folder.
    #[param(min_length = 1, max_length = 4096, example = "data/out.csv")]
    path: String,
}

/// What is in a folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct SandboxFiles {
    /// In order of name.
    items: Vec<SandboxFile>,
}

/// A repository to be cloned.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://git.example/team/tools.git", "path": "tools"}))]
pub struct Clone {
    /// The repository's address.
    #[schema(pattern = "^https?://.+", max_length = 4096)]
    url: String,
    /// The folder it goes into.
    #[schema(min_length = 1, max_length = 4096)]
    path: String,
    /// The branch; the repository's own when none is named.
    #[schema(min_length = 1, max_length = 1024)]
    branch: Option<String>,
    /// The name to sign in with.
    #[schema(min_length = 1, max_length = 1024)]
    username: Option<String>,
    /// The password or token to sign in with.
    password: Option<String>,
    /// Only so many newest commits.
    #[schema(minimum = 1)]
    depth: Option<u32>,
}

/// A process to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"command": "python -m http.server 8000"}))]
pub struct NewProcess {
    /// What it runs, as a shell has it.
    #[schema(min_length = 1, max_length = 65536)]
    command: String,
}

/// The processes of a sandbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct SandboxProcesses {
    /// Newest first.
    items: Vec<SandboxProcess>,
}

/// Lists files of a sandbox
#[utoipa::path(get, path = "/api/v1/sandboxes/{sandbox}/files", tag = "Sandboxes", operation_id = "list_sandbox_files",
    params(("sandbox" = String, Path, description = "Its id"), Place),
    responses((status = 200, body = SandboxFiles), (status = 409, description = "The sandbox is not started")))]
pub async fn files(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(place): Query<Place>,
) -> Result<Json<SandboxFiles>, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let items = site.services.runs.sandbox_files(&sandbox, &place.path).await?;
    Ok(Json(SandboxFiles { items }))
}

/// Gets a file of a sandbox
#[utoipa::path(get, path = "/api/v1/sandboxes/{sandbox}/file", tag = "Sandboxes", operation_id = "get_sandbox_file",
    params(("sandbox" = String, Path, description = "Its id"), Place),
    responses((status = 200, body = [u8], content_type = "application/octet-stream"),
        (status = 409, description = "The sandbox is not started")))]
pub async fn download(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(place): Query<Place>,
) -> Result<Response, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let content = site.services.runs.sandbox_file(&sandbox, &place.path).await?;
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    )];
    Ok((kind, Body::from_stream(content)).into_response())
}

/// Puts a file into a sandbox
///
/// The body is the file; what is there is replaced, and folders that are missing are made.
#[utoipa::path(put, path = "/api/v1/sandboxes/{sandbox}/file", tag = "Sandboxes", operation_id = "put_sandbox_file",
    params(("sandbox" = String, Path, description = "Its id"), Place),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 204, description = "It is written"), (status = 409, description = "The sandbox is not started")))]
pub async fn upload(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(place): Query<Place>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let content = request.into_body().into_data_stream();
    site.services
        .runs
        .write_sandbox_file(&sandbox, &place.path, content)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a file of a sandbox
///
/// Or a folder, with all that is in it.
#[utoipa::path(delete, path = "/api/v1/sandboxes/{sandbox}/file", tag = "Sandboxes", operation_id = "delete_sandbox_file",
    params(("sandbox" = String, Path, description = "Its id"), Place),
    responses((status = 204, description = "It is deleted"), (status = 409, description = "The sandbox is not started")))]
pub async fn delete(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(place): Query<Place>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    site.services
        .runs
        .delete_sandbox_file(&sandbox, &place.path)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Clones a repository into a sandbox
#[utoipa::path(post, path = "/api/v1/sandboxes/{sandbox}/git/clone", tag = "Sandboxes", operation_id = "clone_into_sandbox",
    params(("sandbox" = String, Path, description = "Its id")), request_body = Clone,
    responses((status = 204, description = "It is cloned"), (status = 409, description = "The folder is not empty, or the sandbox is not started")))]
pub async fn clone(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    given: Given<Clone>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let wanted = CloneRequest {
        url: given.body.url,
        path: given.body.path,
        branch: given.body.branch,
        username: given.body.username,
        password: given.body.password,
        depth: given.body.depth,
    };
    site.services.runs.clone_into_sandbox(&sandbox, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the background processes of a sandbox
///
/// Those that were started so.
#[utoipa::path(get, path = "/api/v1/sandboxes/{sandbox}/processes", tag = "Sandboxes", operation_id = "list_processes",
    params(("sandbox" = String, Path, description = "Its id")),
    responses((status = 200, body = SandboxProcesses), (status = 409, description = "The sandbox is not started")))]
pub async fn processes(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<SandboxProcesses>, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let items = site.services.runs.processes(&sandbox).await?;
    Ok(Json(SandboxProcesses { items }))
}

/// Starts a background process in a sandbox
#[utoipa::path(post, path = "/api/v1/sandboxes/{sandbox}/processes", tag = "Sandboxes", operation_id = "start_process",
    params(("sandbox" = String, Path, description = "Its id")), request_body = NewProcess,
    responses((status = 201, body = SandboxProcess)))]
pub async fn start(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    given: Given<NewProcess>,
) -> Result<Response, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let runs = site.services.runs.clone();
    once(&site, &can, given.asked, async move {
        let process = runs.start_process(&sandbox, &given.body.command).await?;
        Made::at(
            format!("/api/v1/sandboxes/{id}/processes/{}", process.id),
            &process,
        )
    })
    .await
}

/// Gets what a background process wrote
#[utoipa::path(get, path = "/api/v1/sandboxes/{sandbox}/processes/{process}/log", tag = "Sandboxes", operation_id = "get_process_log",
    params(("sandbox" = String, Path, description = "Its id"), ("process" = String, Path, description = "The process's id")),
    responses((status = 200, body = ProcessLog), (status = 409, description = "The sandbox is not started")))]
pub async fn log(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path((id, process)): Path<(String, String)>,
) -> Result<Json<ProcessLog>, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    Ok(Json(site.services.runs.process_log(&sandbox, &process).await?))
}

/// Stops a background process
///
/// And all it started; its log goes with it.
#[utoipa::path(delete, path = "/api/v1/sandboxes/{sandbox}/processes/{process}", tag = "Sandboxes", operation_id = "stop_process",
    params(("sandbox" = String, Path, description = "Its id"), ("process" = String, Path, description = "The process's id")),
    responses((status = 204, description = "It has ended"), (status = 409, description = "The sandbox is not started")))]
pub async fn stop(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path((id, process)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    site.services.runs.stop_process(&sandbox, &process).await?;
    Ok(StatusCode::NO_CONTENT)
}
