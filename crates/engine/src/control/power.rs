//! Start, stop, and the sign of life.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::Sandbox;

use super::present::{Base, describe};
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

pub(super) async fn last_activity(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<StatusCode, Fault> {
    engine.registry.find(&caller, &sandbox)?.activity.touch();
    Ok(StatusCode::CREATED)
}
