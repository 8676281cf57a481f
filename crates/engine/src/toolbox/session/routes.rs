//! The calls about sessions, but for the ones that have a file of their own.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use daytona::CreateSession;

use super::shell::Shell;
use super::{end, entrypoint, exec, follow, input};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::state::SharedEngine;

pub(in crate::toolbox) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/process/session", post(create).get(list))
        .route("/process/session/entrypoint", get(entrypoint::show))
        .route("/process/session/entrypoint/logs", get(entrypoint::logs))
        .route("/process/session/{session}", get(show).delete(end::delete))
        .route("/process/session/{session}/exec", post(exec::exec))
        .route("/process/session/{session}/command/{command}", get(show_command))
        .route(
            "/process/session/{session}/command/{command}/logs",
            get(follow::logs),
        )
        .route(
            "/process/session/{session}/command/{command}/input",
            post(input::give),
        )
}

/// What the path of a call about a session holds.
#[derive(serde::Deserialize)]
pub(super) struct SessionPath {
    pub session: String,
}

/// What the path of a call about a command holds.
#[derive(serde::Deserialize)]
pub(super) struct CommandPath {
    pub session: String,
    pub command: String,
}

async fn create(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<CreateSession>,
) -> Result<StatusCode, Fault> {
    let reserved = live.sessions.reserve(&request.session_id)?;
    let shell = Shell::start(&live.sandbox, live.shell(), live.environment(), live.resolve("")).await?;
    reserved.fill(shell);
    Ok(StatusCode::CREATED)
}

async fn list(Extension(live): Extension<Arc<Live>>) -> Answer<Vec<daytona::Session>> {
    Answer(
        live.sessions
            .list()
            .iter()
            .map(|session| session.describe())
            .collect(),
    )
}

async fn show(
    Extension(live): Extension<Arc<Live>>,
    Path(path): Path<SessionPath>,
) -> Result<Answer<daytona::Session>, Fault> {
    Ok(Answer(live.sessions.get(&path.session)?.describe()))
}

async fn show_command(
    Extension(live): Extension<Arc<Live>>,
    Path(path): Path<CommandPath>,
) -> Result<Answer<daytona::Command>, Fault> {
    Ok(Answer(
        live.sessions
            .get(&path.session)?
            .command(&path.command)?
            .describe(),
    ))
}
