//! `POST /git/add`.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitAdd;

use super::command::Git;
use super::{repository, words};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn add(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitAdd>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    Git::new(
        &live,
        &folder,
        &["add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"],
    )
    .input(words::files(&request.files)?)
    .run()
    .await?;
    Ok(StatusCode::OK)
}
