//! For load balancers and service managers: whether the process answers, and
//! whether it can work.

use super::Site;
use axum::extract::State;
use http::StatusCode;

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers too, and the server is not stopping.
pub async fn readyz(State(site): State<Site>) -> (StatusCode, &'static str) {
    if site.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match site.services.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
