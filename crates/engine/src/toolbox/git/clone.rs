//! `POST /git/clone`.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitClone;

use super::command::Git;
use super::credentials::{Credentials, taken_out};
use super::words::{optional, word};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn clone(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitClone>,
) -> Result<StatusCode, Fault> {
    let (url, inside) = taken_out(word("url", &request.url)?)?;
    let credentials = Credentials::of(request.username.as_deref(), request.password.as_deref())?.or(inside);
    let branch = optional("branch", request.branch.as_deref())?;
    let commit = optional("commit_id", request.commit_id.as_deref())?;
    let path = live.resolve(word("path", &request.path)?);
    let depth = request.depth.filter(|depth| *depth > 0);
    let skip = request.insecure_skip_tls == Some(true);
    let fresh = live.sandbox.stat(&path).await.is_err();

    let mut git = Git::new(&live, live.sandbox.home(), &["clone"]);
    if let Some(branch) = branch {
        git = git.argument(format!("--branch={branch}"));
    }
    if let Some(depth) = depth {
        git = git.argument(format!("--depth={depth}"));
    }
    git.when(commit.is_some(), "--no-checkout")
        .argument("--")
        .argument(&url)
        .argument(&path)
        .sign_in(&url, credentials.as_ref())
        .any_certificate(skip)
        .over_network()
        .run()
        .await?;
    let Some(commit) = commit else {
        return Ok(StatusCode::OK);
    };
    let there = Git::new(&live, &path, &["cat-file", "-e"])
        .argument(format!("{commit}^{{commit}}"))
        .outcome()
        .await?;
    let fetched = if there.exit_code == 0 {
        Ok(Vec::new())
    } else {
        // Outside of the branches, or older than the depth.
        Git::new(&live, &path, &["fetch"])
            .argument(format!("--depth={}", depth.unwrap_or(1)))
            .argument("origin")
            .argument(commit)
            .sign_in(&url, credentials.as_ref())
            .any_certificate(skip)
            .over_network()
            .run()
            .await
    };
    let checked_out = match fetched {
        Ok(_) => {
            Git::new(&live, &path, &["checkout", "--detach", commit, "--"])
                .run()
                .await
        }
        Err(fault) => Err(fault),
    };
    if checked_out.is_err() && fresh {
        // As git itself does: a clone that failed leaves nothing.
        if let Err(error) = live.sandbox.remove(&path, true).await {
            tracing::debug!(%error, "a clone without its commit could not be removed");
        }
    }
    checked_out.map(|_| StatusCode::OK)
}
