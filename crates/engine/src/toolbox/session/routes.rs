//! The calls about sessions, but for the ones that have a file of their own.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use daytona::CreateSession;

use super::past::Past;
use super::shell::Shell;
use super::{end, entrypoint, exec, follow, input};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::spool::Spool;
use crate::state::SharedEngine;
use crate::toolbox::not_started;

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

async fn list(
    live: Option<Extension<Arc<Live>>>,
    Extension(past): Extension<Past>,
) -> Result<Answer<Vec<daytona::Session>>, Fault> {
    if let Some(live) = live {
        let sessions = live.sessions.list();
        return Ok(Answer(
            sessions.iter().map(|session| session.describe()).collect(),
        ));
    }
    let found = past.sessions(None).await;
    if found.is_empty() {
        Err(not_started())
    } else {
        Ok(Answer(found))
    }
}

async fn show(
    live: Option<Extension<Arc<Live>>>,
    Extension(past): Extension<Past>,
    Path(path): Path<SessionPath>,
) -> Result<Answer<daytona::Session>, Fault> {
    let unknown = match live.map(|live| live.sessions.get(&path.session)) {
        Some(Ok(session)) => return Ok(Answer(session.describe())),
        Some(Err(unknown)) => unknown,
        None => not_started(),
    };
    let found = past.sessions(Some(path.session)).await.pop();
    found.map(Answer).ok_or(unknown)
}

async fn show_command(
    live: Option<Extension<Arc<Live>>>,
    Extension(past): Extension<Past>,
    Path(path): Path<CommandPath>,
) -> Result<Answer<daytona::Command>, Fault> {
    let live = live.map(|Extension(live)| live);
    let (command, _) = find_command(live.as_deref(), past, path).await?;
    Ok(Answer(command))
}

/// A command with its log: one of the sandbox as it runs, else one that an
/// earlier engine left.
pub(super) async fn find_command(
    live: Option<&Live>,
    past: Past,
    path: CommandPath,
) -> Result<(daytona::Command, Arc<Spool>), Fault> {
    let find = |live: &Live| live.sessions.readable(&path.session)?.command(&path.command);
    let unknown = match live.map(find) {
        Some(Ok(command)) => return Ok((command.describe(), Arc::clone(&command.spool))),
        Some(Err(unknown)) => unknown,
        None => not_started(),
    };
    past.command(path.session, path.command).await.ok_or(unknown)
}
