//! `GET /process/interpreter/execute`: one cell over one WebSocket.
//!
//! The client's first message says what to run; from then on it only listens.
//! When it leaves, the cell goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use daytona::InterpreterRun;
use tokio::time::timeout;

use super::context::{BAD_MESSAGE, FAILED, REFUSED, Run, WORKER_ENDED};
use super::outbox::{self, Inbox, Step};
use crate::fault::Fault;
use crate::registry::Live;

/// The longest first message.
const LONGEST: usize = 16 << 20;
/// How long a client may think before it sends it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a client may take to answer the closing of the socket.
const FAREWELL: Duration = Duration::from_secs(5);
/// The time of a cell that names none.
const USUAL_LIMIT: Duration = Duration::from_secs(600);
/// The longest reason in the frame that closes a WebSocket.
const LONGEST_REASON: usize = 123;

pub(super) async fn execute(
    Extension(live): Extension<Arc<Live>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    let upgrade = upgrade.map_err(|rejection| {
        Fault::bad_request(format!("This call is a WebSocket: {}.", rejection.body_text()))
    })?;
    Ok(upgrade
        .max_message_size(LONGEST)
        .on_upgrade(move |socket| async move {
            // A client that listens counts as activity.
            let _use = live.activity.enter();
            converse(socket, &live).await;
        }))
}

async fn converse(mut socket: WebSocket, live: &Arc<Live>) {
    let first = loop {
        match timeout(PATIENCE, socket.recv()).await {
            Ok(Some(Ok(Message::Text(text)))) => break text.as_bytes().to_vec(),
            Ok(Some(Ok(Message::Binary(bytes)))) => break bytes.to_vec(),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Close(_))) | None) => return,
            Ok(Some(Err(_))) | Err(_) => {
                return close(socket, BAD_MESSAGE, "failed to read first message").await;
            }
        }
    };
    let asked = serde_json::from_slice::<InterpreterRun>(&first);
    let Ok(asked) = asked else {
        return close(socket, BAD_MESSAGE, "invalid JSON payload").await;
    };
    match start(live, asked) {
        Ok(inbox) => tell(socket, inbox).await,
        Err((code, reason)) => close(socket, code, &reason).await,
    }
}

/// Has the cell wait its turn.
fn start(live: &Arc<Live>, asked: InterpreterRun) -> Result<Inbox, (u16, String)> {
    let refused = |reason: &str| (REFUSED, reason.to_owned());
    if asked.code.is_empty() {
        return Err(refused("code is required"));
    }
    let limit = match asked.timeout {
        None => Some(USUAL_LIMIT),
        Some(0) => None,
        Some(seconds) => {
            Some(Duration::from_secs(u64::try_from(seconds).map_err(|_| {
                refused("timeout must be greater than or equal to 0")
            })?))
        }
    };
    let envs = asked.envs.unwrap_or_default();
    if !are_usable(&envs) {
        return Err(refused("an environment variable has no usable name or value"));
    }
    let context = live.contexts.find(live, asked.context_id.as_deref());
    let context = context.ok_or_else(|| {
        let id = asked.context_id.unwrap_or_default();
        (REFUSED, format!("context not found: {id}"))
    })?;
    if live.sandbox.python().is_none() {
        return Err((FAILED, "this sandbox has no Python".to_owned()));
    }
    let (outbox, inbox) = outbox::pair();
    let run = Run {
        code: asked.code,
        envs,
        limit,
        outbox,
    };
    match context.run(run) {
        Ok(()) => Ok(inbox),
        Err(_) => Err(refused("too many executions wait in this context")),
    }
}

fn are_usable(envs: &BTreeMap<String, String>) -> bool {
    envs.iter()
        .all(|(name, value)| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'))
}

/// Tells the client what comes of its cell.
async fn tell(mut socket: WebSocket, mut inbox: Inbox) {
    loop {
        tokio::select! {
            step = inbox.next() => match step {
                Some(Step::Say(message)) => {
                    let text = serde_json::to_string(&message).expect("five strings serialize");
                    if socket.send(Message::Text(text.into())).await.is_err() {
                        return;
                    }
                }
                Some(Step::Close(code, reason)) => return close(socket, code, &reason).await,
                None if inbox.is_left_behind() => return close(socket, REFUSED, "slow consumer").await,
                None => return close(socket, WORKER_ENDED, "the context has ended").await,
            },
            // Polled so that pings are answered; the client has nothing to say.
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &str) {
    let end = reason.floor_char_boundary(LONGEST_REASON);
    let frame = CloseFrame {
        code,
        reason: reason[..end].into(),
    };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
        // A client that does not answer loses nothing: all was sent.
        let _ = timeout(FAREWELL, answered).await;
    }
}
