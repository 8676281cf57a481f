//! Files of a sandbox. Every path is opened by the sandbox's own pid 1, so that
//! links and mounts mean there what they mean to its programs; what comes back
//! is a descriptor of a regular file, or a refusal.

mod bulk_download;
mod bulk_upload;
mod change;
mod download;
mod find;
mod info;
mod moving;
mod replace;
pub(super) mod transfer;
mod upload;
mod walk;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::state::SharedEngine;

pub(super) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/files", get(info::list).delete(change::delete))
        .route("/files/info", get(info::info))
        .route("/files/folder", post(change::folder))
        .route("/files/move", post(moving::rename))
        .route("/files/permissions", post(change::permissions))
        .route("/files/find", get(find::find))
        .route("/files/search", get(find::search))
        .route("/files/replace", post(replace::replace))
        .route("/files/download", get(download::download))
        .route("/files/upload", post(upload::upload))
        .route("/files/upload-v2", post(upload::upload))
        .route("/files/bulk-upload", post(bulk_upload::bulk_upload))
        .route("/files/bulk-download", post(bulk_download::bulk_download))
        // Uploads are streamed to the sandbox's disk, which has its own limit.
        .layer(DefaultBodyLimit::disable())
}

/// A query that names one file.
#[derive(serde::Deserialize)]
struct PathQuery {
    #[serde(default)]
    path: String,
}
