//! What answers on the engine's address when no engine can start: a refusal
//! with the reason. Runs so fail the way they do with any provider that
//! refuses, and the reason is read where it is needed.

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use std::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Answers every request with `sentence`, until it is to stop.
pub async fn answer(listener: TcpListener, sentence: String, stop: CancellationToken) {
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener));
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the engine's address cannot be answered");
            return;
        }
    };
    let router = Router::new().fallback(move || {
        let response = refusal(&sentence);
        async move { response }
    });
    let _ = axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
}

/// In the shape of Daytona's errors, and with a status that is not tried again.
fn refusal(sentence: &str) -> Response {
    let body = serde_json::json!({ "statusCode": 422, "error": "Unprocessable Entity", "message": sentence });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}
