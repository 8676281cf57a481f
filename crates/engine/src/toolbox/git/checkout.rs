//! `POST /git/checkout`: a branch, local or of a remote, or a commit.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitCheckout;

use super::command::Git;
use super::{repository, words};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn checkout(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitCheckout>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let branch = words::word("branch", &request.branch)?;
    // The dashes say that it is no file.
    Git::new(&live, &folder, &["checkout", "--quiet", branch, "--"])
        .run()
        .await?;
    Ok(StatusCode::OK)
}
