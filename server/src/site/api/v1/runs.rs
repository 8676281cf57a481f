//! Runs: start, list, look at, write to, stop, compare.

use super::{
    super::super::{
        Site,
        log::{self, Wanted as LogWanted},
        permission::{Can, Read, Run as MayRun},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    given::Given,
    once::{Made, once},
    page::{Page, Wanted},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use model::{AgentId, Run, RunComparison, RunId};
use runs::StartRun;
use serde::Deserialize;
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_start, _, _>(start),
        endpoint::<__path_list_of_agent, _, _>(list_of_agent),
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_log_of_run, _, _>(log_of_run),
        endpoint::<__path_stop, _, _>(stop),
        endpoint::<__path_write, _, _>(write),
        endpoint::<__path_compare, _, _>(compare),
    ]
}

/// How a run is started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"args": ["fast"], "timeout_seconds": 60}))]
pub struct Start {
    /// Arguments for the program.
    #[serde(default)]
    #[schema(max_items = 1000)]
    args: Vec<String>,
    /// How long it may run, in seconds; else what the agent's settings say.
    #[schema(minimum = 1, maximum = 86400)]
    timeout_seconds: Option<u32>,
    /// Whether to make a new sandbox even when one stands.
    #[serde(default)]
    fresh: bool,
}

/// What is written to a program.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "yes\n"}))]
pub struct Input {
    /// What it reads next.
    #[serde(default)]
    text: String,
    /// Whether that is all: it then reads its end.
    #[serde(default)]
    close: bool,
}

/// Which two runs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Pair {
    /// A run.
    #[param(value_type = RunId)]
    a: String,
    /// The run it is compared with.
    #[param(value_type = RunId)]
    b: String,
}

/// Starts a run
///
/// Of the agent's files as they are saved now. To wait for its end instead, use `execute`.
#[utoipa::path(post, path = "/api/v1/agents/{agent}/runs", tag = "Runs", operation_id = "start_run",
    params(("agent" = String, Path, description = "Its id or slug")), request_body = Start,
    responses((status = 201, body = Run)))]
pub async fn start(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(named): Path<String>,
    given: Given<Start>,
) -> Result<Response, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let start = StartRun {
        id: RunId::generate(),
        agent: agent.id,
        args: given.body.args,
        timeout_seconds: given.body.timeout_seconds,
        fresh: given.body.fresh,
        person: Some(can.user.id.clone()),
        trigger: can.trigger(),
        in_studio: false,
    };
    let runs = site.services.runs.clone();
    once(&site, &can, given.asked, async move {
        let run = runs.start(start).await?;
        Made::at(format!("/api/v1/runs/{}", run.id), &run)
    })
    .await
}

/// Lists the runs of an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}/runs", tag = "Runs", operation_id = "list_runs_of_agent",
    params(("agent" = String, Path, description = "Its id or slug"), Wanted),
    responses((status = 200, body = Page<Run>)))]
pub async fn list_of_agent(
    can: Can<Read>,
    State(site): State<Site>,
    Path(named): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Run>>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    page(&site, &can, Some(&agent.id), &wanted).await
}

/// Lists runs
///
/// Of all agents.
#[utoipa::path(get, path = "/api/v1/runs", tag = "Runs", operation_id = "list_runs", params(Wanted),
    responses((status = 200, body = Page<Run>), (status = 404, description = "The cursor is of no run")))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Run>>, Refusal> {
    page(&site, &can, None, &wanted).await
}

async fn page(
    site: &Site,
    can: &Can<Read>,
    agent: Option<&AgentId>,
    wanted: &Wanted,
) -> Result<Json<Page<Run>>, Refusal> {
    let limit = wanted.limit()?;
    let before = wanted.cursor.as_deref().map(RunId::parse).transpose()?;
    let found = site
        .services
        .store
        .list_runs(&can.team, agent, before.as_ref(), limit + 1)
        .await?;
    Ok(Json(Page::of(found, limit, |run| run.id.to_string(), |run| run)))
}

/// Shows a run
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "Runs", operation_id = "get_run",
    params(("run" = RunId, Path, description = "Its id")), responses((status = 200, body = Run)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<Run>, Refusal> {
    Ok(Json(can.run(&site, &RunId::parse(&id)?).await?))
}

/// Gets a run's log
///
/// The program's own bytes, or a part of them by offsets or lines; what `to` names is not in it.
#[utoipa::path(get, path = "/api/v1/runs/{run}/log", tag = "Runs", operation_id = "get_run_log",
    params(("run" = RunId, Path, description = "Its id"), LogWanted),
    responses((status = 200, description = "The output; with `frames=1` as frames in JSON",
        content(([u8] = "text/plain; charset=utf-8"), (Vec<Object> = "application/json")))))]
pub async fn log_of_run(
    can: Can<Read>,
    site: State<Site>,
    id: Path<String>,
    wanted: Query<LogWanted>,
) -> Result<Response, Refusal> {
    log::download(can, site, id, wanted).await
}

/// Stops a run
///
/// Answers at once; the run tells when it has ended. One that has ended is no error.
#[utoipa::path(post, path = "/api/v1/runs/{run}/stop", tag = "Runs", operation_id = "stop_run",
    params(("run" = RunId, Path, description = "Its id")),
    responses((status = 202, description = "It is being stopped")))]
pub async fn stop(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let run = can.run(&site, &RunId::parse(&id)?).await?;
    site.services.runs.stop(&run.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Writes to a program
///
/// To its standard input, while it runs.
#[utoipa::path(post, path = "/api/v1/runs/{run}/stdin", tag = "Runs", operation_id = "write_to_run",
    params(("run" = RunId, Path, description = "Its id")), request_body = Input,
    responses((status = 204, description = "It is written"), (status = 409, description = "The program does not run")))]
pub async fn write(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(id): Path<String>,
    given: Given<Input>,
) -> Result<StatusCode, Refusal> {
    let run = can.run(&site, &RunId::parse(&id)?).await?;
    let Input { text, close } = given.body;
    site.services
        .runs
        .input(&run.id, text.into_bytes(), close)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Compares two runs
///
/// Their code and their output, up to 1 MiB of each.
#[utoipa::path(get, path = "/api/v1/compare/runs", tag = "Runs", operation_id = "compare_runs", params(Pair),
    responses((status = 200, body = RunComparison), (status = 404, description = "There is no such run")))]
pub async fn compare(
    can: Can<Read>,
    State(site): State<Site>,
    Query(pair): Query<Pair>,
) -> Result<Json<RunComparison>, Refusal> {
    let a = can.run(&site, &RunId::parse(&pair.a)?).await?;
    let b = can.run(&site, &RunId::parse(&pair.b)?).await?;
    Ok(Json(site.services.runs.compare_runs(a, b).await?))
}
