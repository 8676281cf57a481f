//! Start, stop, pause, archive, recover, resize, and the sign of life.

use axum::Json as Answer;
use axum::http::StatusCode;
use daytona::{ResizeSandbox, Sandbox};

use super::asked::Asked;
use super::create::Size;
use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::lifecycle;

/// A sandbox whose state the caller may change.
type Changed = Asked<Can<permit::WriteSandboxes>>;
type Shown = Result<Answer<Sandbox>, Fault>;

pub(super) async fn start(sandbox: Changed) -> Shown {
    lifecycle::start(&sandbox.engine, &sandbox).await?;
    Ok(sandbox.shown())
}

/// A stop is always forced here: nothing in a sandbox can hold it up.
pub(super) async fn stop(sandbox: Changed) -> Shown {
    lifecycle::stop(&sandbox.engine, &sandbox).await?;
    Ok(sandbox.shown())
}

pub(super) async fn pause(sandbox: Changed) -> Shown {
    lifecycle::pause(&sandbox.engine, &sandbox).await?;
    Ok(sandbox.shown())
}

pub(super) async fn archive(sandbox: Changed) -> Shown {
    lifecycle::archive(&sandbox.engine, &sandbox).await?;
    Ok(sandbox.shown())
}

pub(super) async fn recover(sandbox: Changed, Query(query): Query<Vec<(String, String)>>) -> Shown {
    let skip_start = query
        .iter()
        .any(|(key, value)| key == "skipStart" && value == "true");
    lifecycle::recover(&sandbox.engine, &sandbox, !skip_start).await?;
    Ok(sandbox.shown())
}

pub(super) async fn resize(sandbox: Changed, Json(request): Json<ResizeSandbox>) -> Shown {
    if request == ResizeSandbox::default() {
        return Err(Fault::bad_request("Give at least one of cpu, memory and disk"));
    }
    Size::asked(request.cpu, request.memory, request.disk)?;
    lifecycle::resize(&sandbox.engine, &sandbox, request).await?;
    Ok(sandbox.shown())
}

pub(super) async fn last_activity(sandbox: Asked<Caller>) -> StatusCode {
    sandbox.activity.touch();
    StatusCode::CREATED
}
