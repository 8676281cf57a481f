//! `/git/remotes`, and which remote and branch a push or pull means.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use daytona::{GitAddRemote, GitRemote, GitRemotes, GitTransfer, codes};

use super::command::Git;
use super::words::{optional, word};
use super::{RepositoryQuery, branches, config, credentials, repository};
use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::registry::Live;

/// The remote of a branch that has none of its own.
const USUAL: &str = "origin";

pub(super) async fn list(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<RepositoryQuery>,
) -> Result<Answer<GitRemotes>, Fault> {
    let folder = repository(&live, &query.path).await?;
    // Fails where there is no repository, which a search for settings would not.
    branches::current(&live, &folder).await?;
    let outcome = Git::new(
        &live,
        &folder,
        &["config", "--null", "--get-regexp", r"^remote\..*\.url$"],
    )
    .outcome()
    .await?;
    // So it says that there is none.
    if outcome.exit_code == 1 {
        return Ok(Answer(GitRemotes::default()));
    }
    Ok(Answer(GitRemotes {
        remotes: read(&outcome.success()?),
    }))
}

/// Each setting is `key LF value NUL`; of a remote with several addresses the
/// first counts.
fn read(printed: &[u8]) -> Vec<GitRemote> {
    let mut remotes: Vec<GitRemote> = Vec::new();
    for setting in printed.split(|byte| *byte == 0) {
        let setting = String::from_utf8_lossy(setting);
        let Some((key, url)) = setting.split_once('\n') else {
            continue;
        };
        let name = key
            .strip_prefix("remote.")
            .and_then(|key| key.strip_suffix(".url"));
        if let Some(name) = name
            && !remotes.iter().any(|remote| remote.name == name)
        {
            remotes.push(GitRemote {
                name: name.to_owned(),
                url: credentials::shown(url),
            });
        }
    }
    remotes
}

pub(super) async fn add(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitAddRemote>,
) -> Result<StatusCode, Fault> {
    let folder = repository(&live, &request.path).await?;
    let name = word("name", &request.name)?;
    let url = word("url", &request.url)?;
    if request.overwrite == Some(true) {
        let old = Git::new(&live, &folder, &["remote", "remove", "--", name])
            .outcome()
            .await?;
        // 2 says that there is none of this name.
        if !matches!(old.exit_code, 0 | 2) {
            return Err(old.refusal());
        }
    }
    Git::new(&live, &folder, &["remote", "add", "--", name, url])
        .run()
        .await?;
    if request.fetch == Some(true) {
        let fetched = Git::new(&live, &folder, &["fetch", "--quiet", "--", name])
            .over_network()
            .run()
            .await;
        if let Err(fault) = fetched {
            // A call that failed leaves no remote behind.
            Git::new(&live, &folder, &["remote", "remove", "--", name])
                .outcome()
                .await?;
            return Err(fault);
        }
    }
    Ok(StatusCode::CREATED)
}

/// The remote and the branch of a push or pull: those named, else the branch
/// that is checked out, with the remote it belongs to.
pub(super) async fn of_transfer(
    live: &Arc<Live>,
    folder: &str,
    request: &GitTransfer,
) -> Result<(String, String), Fault> {
    let current = branches::current(live, folder).await?;
    let branch = match (optional("branch", request.branch.as_deref())?, current) {
        (Some(branch), _) => branch.to_owned(),
        (None, Some(current)) => current,
        (None, None) => {
            return Err(Fault::new(
                StatusCode::NOT_FOUND,
                "A commit is checked out and no branch. Check a branch out, or name one.",
            )
            .code(codes::GIT_BRANCH_NOT_FOUND));
        }
    };
    let remote = match optional("remote", request.remote.as_deref())? {
        Some(remote) => remote.to_owned(),
        None => config::value(live, folder, "", &format!("branch.{branch}.remote"))
            .await?
            .unwrap_or_else(|| USUAL.to_owned()),
    };
    Ok((remote, branch))
}

/// The address that a remote is reached at.
pub(super) async fn address(
    live: &Arc<Live>,
    folder: &str,
    remote: &str,
    push: bool,
) -> Result<String, Fault> {
    // The repository itself, as the remote of a branch that follows another.
    if remote == "." {
        return Ok(String::new());
    }
    Git::new(live, folder, &["remote", "get-url"])
        .when(push, "--push")
        .argument("--")
        .argument(remote)
        .outcome()
        .await?
        .line()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remotes_are_read_without_passwords() {
        let printed =
            b"remote.origin.url\nhttps://u:p@h/x\0remote.a.b.url\nfile:///y\0remote.origin.url\nz\0";
        let remotes = read(printed);
        assert_eq!(remotes.len(), 2);
        assert_eq!(
            (remotes[0].name.as_str(), remotes[0].url.as_str()),
            ("origin", "https://u@h/x")
        );
        assert_eq!(
            (remotes[1].name.as_str(), remotes[1].url.as_str()),
            ("a.b", "file:///y")
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(printed in proptest::collection::vec(any::<u8>(), 0..300)) {
            read(&printed);
        }
    }
}
