//! `DELETE /process/session/{id}`: ends everything the session started.
//!
//! Answered only when it is proven: nothing of the session runs any more, or
//! the headers say how much does.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use daytona::extension::{ENDED_HEADER, LEFT_HEADER};

use super::routes::SessionPath;
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;

/// Daytona's time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// The longest grace a client may ask for.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(serde::Deserialize)]
pub(super) struct EndQuery {
    /// `daytona::extension::GRACE_MS`.
    #[serde(rename = "graceMs")]
    grace_ms: Option<u64>,
}

pub(super) async fn delete(
    Extension(live): Extension<Arc<Live>>,
    Path(path): Path<SessionPath>,
    Query(query): Query<EndQuery>,
) -> Result<(StatusCode, HeaderMap), Fault> {
    let session = live.sessions.take(&path.session)?;
    let grace = query.grace_ms.map_or(GRACE, Duration::from_millis).min(LONGEST);
    let ended = live.sandbox.end_tree(&[session.shell.pid], grace).await?;
    tracing::debug!(session = session.id, ended = ended.ended, left = ended.left, took = ?ended.took, "ended");
    let headers = HeaderMap::from_iter([
        (
            HeaderName::from_static(ENDED_HEADER),
            HeaderValue::from(ended.ended),
        ),
        (
            HeaderName::from_static(LEFT_HEADER),
            HeaderValue::from(ended.left),
        ),
    ]);
    Ok((StatusCode::NO_CONTENT, headers))
}
