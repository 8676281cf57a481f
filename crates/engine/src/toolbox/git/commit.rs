//! `POST /git/commit`.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::{GitCommit, GitCommitHash};

use super::command::Git;
use super::{repository, words};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn commit(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitCommit>,
) -> Result<Answer<GitCommitHash>, Fault> {
    let folder = repository(&live, &request.path).await?;
    let author = words::line("author", &request.author)?;
    let email = words::line("email", &request.email)?;
    if request.message.trim().is_empty() {
        return Err(Fault::bad_request("message is required"));
    }
    Git::new(
        &live,
        &folder,
        &["commit", "--quiet", "--file=-", "--cleanup=whitespace"],
    )
    .when(request.allow_empty == Some(true), "--allow-empty")
    .variable("GIT_AUTHOR_NAME", author)
    .variable("GIT_AUTHOR_EMAIL", email)
    .variable("GIT_COMMITTER_NAME", author)
    .variable("GIT_COMMITTER_EMAIL", email)
    .input(request.message)
    .run()
    .await?;
    let hash = Git::new(&live, &folder, &["rev-parse", "--verify", "HEAD"])
        .outcome()
        .await?
        .line()?;
    Ok(Answer(GitCommitHash { hash }))
}
