//! `POST /git/push`: one branch, under its own name.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitTransfer;

use super::command::Git;
use super::credentials::Credentials;
use super::{remotes, repository};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn push(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitTransfer>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let credentials = Credentials::of(request.username.as_deref(), request.password.as_deref())?;
    let (remote, branch) = remotes::of_transfer(&live, &folder, &request).await?;
    let url = remotes::address(&live, &folder, &remote, true).await?;
    Git::new(&live, &folder, &["push", "--quiet"])
        .when(request.set_upstream == Some(true), "--set-upstream")
        .argument("--")
        .argument(&remote)
        .argument(format!("refs/heads/{branch}:refs/heads/{branch}"))
        .sign_in(&url, credentials.as_ref())
        .over_network()
        .run()
        .await?;
    Ok(StatusCode::OK)
}
