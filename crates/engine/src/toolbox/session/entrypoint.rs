//! `GET /process/session/entrypoint`: in Daytona's containers, the session of
//! what the image starts by itself. A sandbox here starts nothing by itself, so
//! the session is there, as clients expect, and has neither commands nor a log.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use serde_json::json;

use super::sessions::ENTRYPOINT;
use crate::fault::Fault;
use crate::registry::Live;
use crate::toolbox::not_started;

/// How long a client may take to answer the closing of the socket.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) async fn show(live: Option<Extension<Arc<Live>>>) -> Result<Answer<daytona::Session>, Fault> {
    if live.is_none() {
        return Err(not_started());
    }
    Ok(Answer(daytona::Session {
        session_id: ENTRYPOINT.to_owned(),
        commands: Vec::new(),
    }))
}

/// The empty log; followed, it ends at once.
pub(super) async fn logs(
    live: Option<Extension<Arc<Live>>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    if live.is_none() {
        return Err(not_started());
    }
    Ok(match upgrade {
        Ok(upgrade) => upgrade.on_upgrade(close),
        Err(_) => Answer(json!({"output": "", "stdout": "", "stderr": ""})).into_response(),
    })
}

async fn close(mut socket: WebSocket) {
    let end = CloseFrame {
        code: close_code::NORMAL,
        reason: "".into(),
    };
    if socket.send(Message::Close(Some(end))).await.is_ok() {
        let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = tokio::time::timeout(FAREWELL, answered).await;
    }
}
