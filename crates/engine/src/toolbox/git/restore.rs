//! `POST /git/restore`: files as they are in the index or in a commit.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitRestore;

use super::command::Git;
use super::repository;
use super::words::{files, optional};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn restore(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitRestore>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let staged = request.staged == Some(true);
    let worktree = request.worktree.unwrap_or(request.staged.is_none());
    if !staged && !worktree {
        return Err(Fault::bad_request(
            "at least one of staged or worktree must be true",
        ));
    }
    let mut git = Git::new(
        &live,
        &folder,
        &[
            "restore",
            "--quiet",
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
        ],
    )
    .when(staged, "--staged")
    .when(worktree, "--worktree")
    .input(files(&request.files)?);
    if let Some(source) = optional("source", request.source.as_deref())? {
        git = git.argument(format!("--source={source}"));
    }
    git.run().await?;
    Ok(StatusCode::OK)
}
