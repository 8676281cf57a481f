//! `POST /process/session/{id}/exec`: a command for the session's shell.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use daytona::wire::Stream;
use daytona::{SessionExecuteRequest, SessionExecuteResponse, codes};
use tokio::sync::oneshot;

use super::command::Command;
use super::routes::SessionPath;
use super::sessions::Session;
use super::shell::Order;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::CommandPipes;
use crate::spool::{LIMIT, Spool};
use crate::toolbox::log_json::{self, Field};
use crate::toolbox::process::{Input, Late, Pipes, pump};

pub(super) async fn exec(
    Extension(live): Extension<Arc<Live>>,
    Path(path): Path<SessionPath>,
    Json(request): Json<SessionExecuteRequest>,
) -> Result<Response, Fault> {
    if request.command.trim().is_empty() || request.command.contains('\0') {
        return Err(Fault::bad_request("The command is empty or holds a NUL byte."));
    }
    let session = live.sessions.get(&path.session)?;
    let waits = !request.run_async.unwrap_or(false);
    let quiet_input = request.suppress_input_echo.unwrap_or(false);
    let id = uuid::Uuid::new_v4().to_string();
    let command = start(&live, &session, id, request.command, quiet_input, waits).await?;
    if !waits {
        let answer = SessionExecuteResponse {
            cmd_id: command.id.clone(),
            ..SessionExecuteResponse::default()
        };
        return Ok((StatusCode::ACCEPTED, Answer(answer)).into_response());
    }
    let exit_code = command.finished().await;
    Ok(log_json::respond(
        &command.spool,
        vec![
            Field::Value("cmdId", command.id.clone().into()),
            Field::Value("exitCode", exit_code.into()),
            Field::Marked("output"),
            Field::Only("stdout", Stream::Stdout),
            Field::Only("stderr", Stream::Stderr),
        ],
    ))
}

/// Gives the command to the shell, and its pipes to a task that reads them. One
/// that somebody `waits` for has no input.
pub(super) async fn start(
    live: &Arc<Live>,
    session: &Session,
    id: String,
    text: String,
    quiet_input: bool,
    waits: bool,
) -> Result<Arc<Command>, Fault> {
    if session.shell.has_ended() {
        return Err(shell_ended(&session.id));
    }
    // Its own whatever the command is called: of the next start's, too.
    let name = uuid::Uuid::new_v4().to_string();
    let folder = format!("{}/.pitlane-{name}", live.temporary());
    let CommandPipes {
        stdin,
        stdout,
        stderr,
    } = live.sandbox.create_pipes(&folder).await?;
    let input = if waits {
        Input::default()
    } else {
        Input::new(stdin).map_err(|error| Fault::internal(error.to_string()))?
    };
    let spool = Spool::new(live.spool_folder(), &name, LIMIT);
    let (ended, exit) = oneshot::channel();
    let (opened, is_open) = oneshot::channel();
    let order = Order {
        text: text.clone(),
        stdin: if waits {
            "/dev/null".into()
        } else {
            format!("{folder}/in")
        },
        stdout: format!("{folder}/out"),
        stderr: format!("{folder}/err"),
        opened,
        ended,
    };
    let command = Command::new(
        text,
        quiet_input,
        Arc::clone(&spool),
        input,
        is_open,
        id,
        session.id.clone(),
    );
    let pipes = Pipes {
        stdout,
        stderr: Some(stderr),
    };
    let shown = Arc::clone(&command);
    // The shell's task goes away without a word only with its sandbox.
    let ended = async { exit.await.unwrap_or(137) };
    let show = move |code| shown.set_exit_code(code);
    // Before the command can write: the order of its streams is kept from its first byte on.
    let reading = pump(pipes, Arc::clone(&command.spool), Late::Added, ended, show);
    session.shell.order(order).map_err(|error| match error {
        tokio::sync::mpsc::error::TrySendError::Full(_) => {
            Fault::bad_request("Too many commands wait for this session's shell. Wait for some to end.")
        }
        tokio::sync::mpsc::error::TrySendError::Closed(_) => shell_ended(&session.id),
    })?;
    command.note(None);
    session.add(Arc::clone(&command));
    tokio::spawn(finish(Arc::clone(live), Arc::clone(&command), reading, folder));
    Ok(command)
}

/// Reads the command's output to its end, and only then shows its exit code.
async fn finish(live: Arc<Live>, command: Arc<Command>, reading: impl Future<Output = ()>, folder: String) {
    let clear = async {
        command.finished().await;
        command.input.lock().await.close();
        if let Err(error) = live.sandbox.remove_pipes(&folder).await {
            tracing::debug!(%error, "a command's pipes could not be removed");
        }
    };
    tokio::join!(reading, clear);
}

fn shell_ended(id: &str) -> Fault {
    Fault::gone(
        format!("The shell of session {id} has ended. Delete the session and create a new one."),
        codes::SESSION_ENDED,
    )
}
