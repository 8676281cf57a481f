//! `POST /git/pull`: a branch of a remote, merged into the one checked out.
//!
//! A conflict is left in the work tree, as git leaves it: the status tells the
//! files, and a reset takes it back.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitTransfer;

use super::command::Git;
use super::credentials::Credentials;
use super::{config, remotes, repository};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn pull(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitTransfer>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let credentials = Credentials::of(request.username.as_deref(), request.password.as_deref())?;
    let (remote, branch) = remotes::of_transfer(&live, &folder, &request).await?;
    let mut merged = format!("refs/heads/{branch}");
    if request.branch.as_deref().unwrap_or_default().is_empty()
        && let Some(upstream) = config::value(&live, &folder, "", &format!("branch.{branch}.merge")).await?
    {
        merged = upstream;
    }
    let url = remotes::address(&live, &folder, &remote, false).await?;
    Git::new(
        &live,
        &folder,
        &["pull", "--quiet", "--no-rebase", "--no-edit", "--"],
    )
    .argument(&remote)
    .argument(merged)
    .sign_in(&url, credentials.as_ref())
    .over_network()
    .run()
    .await?;
    Ok(StatusCode::OK)
}
