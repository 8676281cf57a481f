//! `POST /git/reset`: of the branch, or with files of their part of the index.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitReset;

use super::command::Git;
use super::repository;
use super::words::{files, optional};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn reset(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitReset>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let target = optional("target", request.target.as_deref())?.unwrap_or("HEAD");
    let mode = request
        .mode
        .as_deref()
        .filter(|mode| !mode.is_empty())
        .unwrap_or("mixed");
    if !matches!(mode, "soft" | "mixed" | "hard" | "merge" | "keep") {
        return Err(Fault::bad_request(format!(
            "unsupported reset mode {mode:?} (supported: soft, mixed, hard, merge, keep)"
        )));
    }
    let named = request.files.filter(|files| !files.is_empty());
    let git = Git::new(&live, &folder, &["reset", "--quiet"]);
    let git = match named {
        None => git.argument(format!("--{mode}")).argument(target).argument("--"),
        Some(_) if mode != "mixed" => {
            return Err(Fault::bad_request(format!(
                "A {mode} reset cannot be of single files. Leave the mode or the files out."
            )));
        }
        Some(named) => git
            .argument("--pathspec-from-file=-")
            .argument("--pathspec-file-nul")
            .argument(target)
            .input(files(&named)?),
    };
    git.run().await?;
    Ok(StatusCode::OK)
}
