//! `POST /pitlane/packages`, which Daytona has not: a list of packages for a
//! project, taken from the shelf or installed once for the organization. The
//! work is a command of a session, with a log and an exit code.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use daytona::extension::PACKAGES_COMMAND;
use daytona::{InstallPackages, SessionExecuteResponse};

use super::session::OwnCommand;
use crate::body::Json;
use crate::fault::Fault;
use crate::packages::{self, List};
use crate::registry::{Entry, Live};
use crate::state::SharedEngine;

pub(super) async fn install(
    State(engine): State<SharedEngine>,
    Extension(entry): Extension<Arc<Entry>>,
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<InstallPackages>,
) -> Result<(StatusCode, Answer<SessionExecuteResponse>), Fault> {
    if !live.sandbox.has_shelf() {
        return Err(Fault::bad_request("This sandbox has no shelf of packages."));
    }
    let list = List::read(&request.language, request.folder, request.files).map_err(Fault::bad_request)?;
    let command = OwnCommand::begin(&live, &request.session_id, PACKAGES_COMMAND.to_owned())?;
    let answer = SessionExecuteResponse {
        cmd_id: command.id().to_owned(),
        ..SessionExecuteResponse::default()
    };
    tokio::spawn(async move {
        let code = packages::provide(&engine, &entry, &live, &list, command.spool()).await;
        command.end(code);
    });
    Ok((StatusCode::ACCEPTED, Answer(answer)))
}
