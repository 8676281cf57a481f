//! Git: the sandbox's own `git`, started inside by its pid 1, each call one or
//! a few runs of it.
//!
//! Nothing goes through a shell; what a client names is checked so that it
//! cannot be taken for an option, and stands behind `--` where git has that.
//! Answers are read from git's formats for programs. Repositories are looked
//! for at the named folder alone, as Daytona does, not in the folders above.

mod add;
mod authenticate;
mod branches;
mod checkout;
mod clone;
mod command;
mod commit;
mod config;
mod credentials;
mod history;
mod init;
mod outcome;
mod pull;
mod push;
mod refusal;
mod remotes;
mod reset;
mod restore;
mod status;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use daytona::codes;

use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::FileKind;
use crate::state::SharedEngine;

pub(super) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/git/clone", post(clone::clone))
        .route("/git/status", get(status::status))
        .route("/git/add", post(add::add))
        .route("/git/commit", post(commit::commit))
        .route(
            "/git/branches",
            get(branches::list)
                .post(branches::create)
                .delete(branches::delete),
        )
        .route("/git/checkout", post(checkout::checkout))
        .route("/git/push", post(push::push))
        .route("/git/pull", post(pull::pull))
        .route("/git/history", get(history::history))
        .route("/git/init", post(init::init))
        .route("/git/reset", post(reset::reset))
        .route("/git/restore", post(restore::restore))
        .route("/git/remotes", get(remotes::list).post(remotes::add))
        .route("/git/config", get(config::read).post(config::write))
        .route("/git/config/user", post(config::user))
        .route("/git/credentials", post(authenticate::authenticate))
}

/// A query that names a repository.
#[derive(serde::Deserialize)]
struct RepositoryQuery {
    #[serde(default)]
    path: String,
}

/// The folder of a repository, which has to be there; whether it is one, git says.
async fn repository(live: &Arc<Live>, path: &str) -> Result<String, Fault> {
    if path.is_empty() {
        return Err(Fault::bad_request("path is required"));
    }
    let folder = live.resolve(path);
    match live.sandbox.stat(&folder).await {
        Ok(stat) if stat.kind == FileKind::Folder => Ok(folder),
        _ => Err(Fault::new(
            StatusCode::NOT_FOUND,
            format!("repository does not exist: there is no folder {folder}"),
        )
        .code(codes::GIT_REPO_NOT_FOUND)),
    }
}
