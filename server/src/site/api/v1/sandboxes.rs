//! Sandboxes: list, stop, archive, restore, delete, and the addresses of their ports.

use super::{
    super::super::{
        Site,
        permission::{Can, Read, Run as MayRun},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    found,
    page::{Page, Wanted},
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use model::{AgentId, ComparedSandbox, Millis, Resources, RunId, SandboxName, SandboxPort, SandboxState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long an address of a port is good when nothing is said, in seconds.
const PREVIEW_SECONDS: u32 = 3600;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_stop, _, _>(stop),
        endpoint::<__path_archive, _, _>(archive),
        endpoint::<__path_restore, _, _>(restore),
        endpoint::<__path_delete, _, _>(delete),
        endpoint::<__path_port, _, _>(port),
    ]
}

/// A sandbox: what the ledger says, and what the provider does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sandbox)]
pub struct SandboxView {
    /// How it is named here.
    id: String,
    /// The provider's id, once there is one.
    provider_id: Option<String>,
    agent: Option<AgentId>,
    /// The run that uses it or used it last.
    run: Option<RunId>,
    /// Where it stands for the ledger; none when that does not know it.
    state: Option<SandboxState>,
    /// The provider's word for where it stands; none when that does not have it.
    provider_state: Option<String>,
    resources: Option<Resources>,
    created_at: Option<Millis>,
    /// When it is deleted if nothing uses it.
    expires_at: Option<Millis>,
    /// Whether ledger and provider say the same.
    agrees: bool,
}

impl From<ComparedSandbox> for SandboxView {
    fn from(sandbox: ComparedSandbox) -> Self {
        let row = sandbox.row.as_ref();
        Self {
            id: id_of(&sandbox),
            provider_id: sandbox
                .found
                .as_ref()
                .map(|found| found.id.clone())
                .or_else(|| row.and_then(|row| row.provider_id.clone())),
            agent: sandbox.agent().cloned(),
            run: sandbox.run().cloned(),
            state: row.map(|row| row.state),
            provider_state: sandbox.found.as_ref().map(|found| found.state.clone()),
            resources: sandbox.resources(),
            created_at: sandbox.created_at(),
            expires_at: row.and_then(|row| row.expires_at),
            agrees: sandbox.difference.is_none(),
        }
    }
}

fn id_of(sandbox: &ComparedSandbox) -> String {
    match sandbox.name() {
        SandboxName::Row(id) => id.to_string(),
        SandboxName::Provider(id) => id,
    }
}

/// How long an address is good.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PortWanted {
    /// How long the address is good, in seconds.
    #[param(minimum = 1, maximum = 86400, default = 3600)]
    seconds: Option<u32>,
}

/// Lists sandboxes
///
/// Those that the ledger or the provider has.
#[utoipa::path(get, path = "/api/v1/sandboxes", tag = "Sandboxes", operation_id = "list_sandboxes", params(Wanted),
    responses((status = 200, body = Page<SandboxView>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<SandboxView>>, Refusal> {
    let compared = site
        .services
        .runs
        .compare_sandboxes(&found::onlooker(&can))
        .await?;
    Ok(Json(Page::of_all(
        compared.sandboxes,
        &wanted,
        id_of,
        SandboxView::from,
    )?))
}

/// Stops the run in a sandbox
#[utoipa::path(post, path = "/api/v1/sandboxes/{sandbox}/stop", tag = "Sandboxes", operation_id = "stop_sandbox",
    params(("sandbox" = String, Path, description = "Its id")),
    responses((status = 202, description = "It is being stopped"), (status = 409, description = "No run is in it")))]
pub async fn stop(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    site.services
        .runs
        .stop_sandbox(&found::onlooker(&can), &sandbox)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Archives a sandbox
///
/// One that is kept between two runs: its programs end, its files stay for 30 days and cost nothing, and
/// no run takes it until it is restored. Answers when it is archived, and goes on when nobody waits.
#[utoipa::path(post, path = "/api/v1/sandboxes/{sandbox}/archive", tag = "Sandboxes", operation_id = "archive_sandbox",
    params(("sandbox" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is archived"), (status = 409, description = "It is not kept, or a run is in it")))]
pub async fn archive(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    site.services
        .runs
        .archive_sandbox(&found::onlooker(&can), &sandbox)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a sandbox
///
/// One that is archived: it is started with its files and kept for the agent's next run, for as long as the
/// agent keeps its sandboxes, and for 15 minutes at least. Answers when it is started.
#[utoipa::path(post, path = "/api/v1/sandboxes/{sandbox}/restore", tag = "Sandboxes", operation_id = "restore_sandbox",
    params(("sandbox" = String, Path, description = "Its id")),
    responses((status = 204, description = "It stands ready"), (status = 409, description = "It is not archived, or its agent has another sandbox")))]
pub async fn restore(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    site.services
        .runs
        .restore_sandbox(&found::onlooker(&can), &sandbox)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a sandbox
///
/// And waits until it is gone. A run in it is stopped first.
#[utoipa::path(delete, path = "/api/v1/sandboxes/{sandbox}", tag = "Sandboxes", operation_id = "delete_sandbox",
    params(("sandbox" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone"), (status = 409, description = "The run in it does not end")))]
pub async fn delete(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    site.services
        .runs
        .delete_sandbox(&found::onlooker(&can), &sandbox)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the address of a port
///
/// At which browsers reach what listens there, without signing in, until its time is over.
#[utoipa::path(get, path = "/api/v1/sandboxes/{sandbox}/ports/{port}", tag = "Sandboxes", operation_id = "get_port",
    params(("sandbox" = String, Path, description = "Its id"), ("port" = u16, Path, minimum = 1, maximum = 65535), PortWanted),
    responses((status = 200, body = SandboxPort), (status = 409, description = "The sandbox is not started")))]
pub async fn port(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path((id, port)): Path<(String, u16)>,
    Query(wanted): Query<PortWanted>,
) -> Result<Json<SandboxPort>, Refusal> {
    let sandbox = found::sandbox(&site, &can, &id).await?;
    let seconds = wanted.seconds.unwrap_or(PREVIEW_SECONDS);
    Ok(Json(
        site.services.runs.preview_port(&sandbox, port, seconds).await?,
    ))
}
