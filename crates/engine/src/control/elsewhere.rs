//! What Daytona's cloud has beside its sandboxes and this engine has not: image
//! registries, object storage, regions of one's own. Lists of them are empty,
//! which is true; everything else is refused by name with 501, never accepted
//! and forgotten.
//!
//! Sandboxes here run the host's own programs or a directory the operator
//! registered. Nothing is pulled or pushed, so that a registry's credentials
//! would be kept for nothing, and files go into sandboxes through their
//! toolboxes, not through a bucket.

use axum::Json as Answer;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, patch, post};

use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

pub(super) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/docker-registry", get(none).post(no_registry))
        .route("/docker-registry/registry-push-access", get(no_registry))
        .route(
            "/docker-registry/{registry}",
            get(unknown_registry)
                .patch(unknown_registry)
                .delete(unknown_registry),
        )
        .route("/object-storage/push-access", get(no_storage))
        .route("/regions", post(no_region))
        .route("/regions/{region}", patch(no_region).delete(no_region))
}

async fn none(_: Caller) -> Answer<[(); 0]> {
    Answer([])
}

async fn no_registry(_: Caller) -> Fault {
    refuse("This engine pulls and pushes no images, so it keeps no registries. Use the snapshots it has.")
}

async fn unknown_registry(_: Caller) -> Fault {
    Fault::not_found("Docker registry not found: this engine keeps none.")
}

async fn no_storage(_: Caller) -> Fault {
    refuse(
        "This engine has no object storage, so no files can be built into an image. Upload them to the sandbox instead.",
    )
}

async fn no_region(_: Caller) -> Fault {
    refuse("An engine is one region. Start another engine for another one.")
}

fn refuse(message: &str) -> Fault {
    Fault::new(StatusCode::NOT_IMPLEMENTED, message)
}
