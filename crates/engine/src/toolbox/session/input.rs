//! `POST …/command/{id}/input`: standard input for a running command.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::http::StatusCode;
use daytona::wire::Stream;
use daytona::{InputRequest, codes};

use super::routes::CommandPath;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::toolbox::process::InputError;

pub(super) async fn give(
    Extension(live): Extension<Arc<Live>>,
    Path(path): Path<CommandPath>,
    Json(request): Json<InputRequest>,
) -> Result<StatusCode, Fault> {
    let session = live.sessions.get(&path.session)?;
    let command = session.command(&path.command)?;
    let over = || {
        Fault::gone(
            "The command has ended and takes no input.",
            codes::COMMAND_ALREADY_COMPLETED,
        )
    };
    if command.exit_code().is_some() {
        return Err(over());
    }
    let mut data = request.data;
    // Daytona's call gives lines; the embedded engine's `raw` gives bytes as they are.
    let only_the_end = request.eof && data.is_empty();
    if !(request.raw || only_the_end || data.ends_with('\n')) {
        data.push('\n');
    }
    let mut input = command.input.lock().await;
    // Echoed first, as a terminal does: a command that ends with this line
    // completes its log, and the echo would come too late for who follows it.
    if !command.quiet_input && !data.is_empty() {
        command.spool.append(Stream::Stdout, data.as_bytes());
    }
    // Its end may come while this waits for room in the pipe.
    let written = tokio::select! {
        biased;
        _ = command.finished() => return Err(over()),
        written = input.write(data.as_bytes()) => written,
    };
    written.map_err(|error| match error {
        InputError::Closed => Fault::conflict(error.to_string()),
        InputError::Full => Fault::new(StatusCode::REQUEST_TIMEOUT, error.to_string()),
        InputError::System(_) => Fault::internal(error.to_string()),
    })?;
    if request.eof {
        tokio::select! {
            biased;
            _ = command.finished() => return Err(over()),
            () = command.opened() => input.close(),
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
