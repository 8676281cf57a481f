//! `POST /git/init`.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitInit;

use super::command::Git;
use super::words::{optional, word};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn init(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitInit>,
) -> Result<StatusCode, Fault> {
    let path = live.resolve(word("path", &request.path)?);
    let mut git = Git::new(&live, live.sandbox.home(), &["init", "--quiet"]);
    if let Some(branch) = optional("initial_branch", request.initial_branch.as_deref())? {
        git = git.argument(format!("--initial-branch={branch}"));
    }
    git.when(request.bare == Some(true), "--bare")
        .argument("--")
        .argument(path)
        .run()
        .await?;
    Ok(StatusCode::CREATED)
}
