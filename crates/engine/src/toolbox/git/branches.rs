//! `/git/branches`: listed, made, deleted.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use daytona::{GitBranch, GitBranches};

use super::command::Git;
use super::words::word;
use super::{RepositoryQuery, repository};
use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::registry::Live;

/// The branch that is checked out; none when a commit is.
pub(super) async fn current(live: &Arc<Live>, folder: &str) -> Result<Option<String>, Fault> {
    let outcome = Git::new(live, folder, &["symbolic-ref", "--quiet", "--short", "HEAD"])
        .outcome()
        .await?;
    // So it says that HEAD is a commit.
    if outcome.exit_code == 1 && outcome.messages.is_empty() {
        return Ok(None);
    }
    outcome.line().map(Some)
}

pub(super) async fn list(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<RepositoryQuery>,
) -> Result<Answer<GitBranches>, Fault> {
    let folder = repository(&live, &query.path).await?;
    let current = current(&live, &folder).await?;
    let printed = Git::new(
        &live,
        &folder,
        &["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"],
    )
    .run()
    .await?;
    // No name of a branch holds a line break.
    let branches = String::from_utf8_lossy(&printed)
        .lines()
        .map(str::to_owned)
        .collect();
    Ok(Answer(GitBranches { branches, current }))
}

/// Makes a branch and checks it out, as Daytona does.
pub(super) async fn create(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitBranch>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let name = word("name", &request.name)?;
    Git::new(&live, &folder, &["checkout", "--quiet", "-b", name, "--"])
        .run()
        .await?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn delete(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitBranch>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let name = word("name", &request.name)?;
    Git::new(&live, &folder, &["branch", "--quiet", "-D", "--", name])
        .run()
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
