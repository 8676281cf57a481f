//! Start, stop, pause, archive, recover, resize, and the sign of life.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{ResizeSandbox, Sandbox};

use super::create::Size;
use super::present::{Base, describe};
use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::lifecycle;
use crate::state::SharedEngine;

pub(super) async fn start(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    lifecycle::start(&engine, &entry).await?;
    Ok(Answer(describe(&entry, &base)))
}

/// A stop is always forced here: nothing in a sandbox can hold it up.
pub(super) async fn stop(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    lifecycle::stop(&engine, &entry).await?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn pause(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    lifecycle::pause(&engine, &entry).await?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn archive(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    lifecycle::archive(&engine, &entry).await?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn recover(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let skip_start = query
        .iter()
        .any(|(key, value)| key == "skipStart" && value == "true");
    lifecycle::recover(&engine, &entry, !skip_start).await?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn resize(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
    Json(request): Json<ResizeSandbox>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    if request == ResizeSandbox::default() {
        return Err(Fault::bad_request("Give at least one of cpu, memory and disk"));
    }
    Size::asked(request.cpu, request.memory, request.disk)?;
    lifecycle::resize(&engine, &entry, request).await?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn last_activity(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<StatusCode, Fault> {
    engine.registry.find(&caller, &sandbox)?.activity.touch();
    Ok(StatusCode::CREATED)
}
