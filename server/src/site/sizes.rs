//! How much a request may carry. What is more is read to its end and thrown
//! away, because a browser shows an answer only after it could send all.

use super::refusal::Refusal;
use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::header;
use model::{file::MAX_FILE_BYTES, time::byte_words};
use std::time::Duration;

/// Requests that carry a file: as JSON a file of control characters takes six
/// times its size, and a file that is over the limit should be told its own
/// size, which the store does.
const WITH_A_FILE: u64 = 64_000_000;
/// All other requests.
const USUAL: u64 = 2_000_000;
/// Past this nothing is read any more: the connection is closed.
const READ_AT_MOST: u64 = 256_000_000;

/// The most that a request to this path may carry, in bytes.
fn limit(path: &str) -> u64 {
    let is_file = matches!(path, "/fn/save_file" | "/fn/upload_file") || path.starts_with("/api/agents/");
    if is_file { WITH_A_FILE } else { USUAL }
}

/// Refuses what is too large, before it is read into memory.
pub async fn check(request: Request, next: Next) -> Response {
    let limit = limit(request.uri().path());
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(bytes) if bytes > limit => {
            discard(request.into_body(), bytes).await;
            let what = if limit == WITH_A_FILE {
                format!("a file may have {} at most", byte_words(MAX_FILE_BYTES))
            } else {
                format!("{} is the limit", byte_words(limit))
            };
            Refusal::too_large(format!("What was sent is {}, and {what}.", byte_words(bytes))).into_response()
        }
        Some(_) => next.run(request).await,
        None => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            next.run(request.map(|body| Body::new(http_body_util::Limited::new(body, limit))))
                .await
        }
    }
}

async fn discard(body: Body, bytes: u64) {
    if bytes > READ_AT_MOST {
        return;
    }
    let mut pieces = body.into_data_stream();
    let _ = tokio::time::timeout(Duration::from_secs(20), async {
        while let Some(Ok(_)) = pieces.next().await {}
    })
    .await;
}
