//! Git in a sandbox.

use super::check_text;
use crate::{Runs, RunsError};
use daytona::GitClone;
use model::{Invalid, SandboxName};

/// What is cloned, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloneRequest {
    /// The repository's address.
    pub url: String,
    /// The folder it goes into.
    pub path: String,
    /// The branch; the repository's own when none is given.
    pub branch: Option<String>,
    /// The name to sign in with.
    pub username: Option<String>,
    /// The password or token to sign in with.
    pub password: Option<String>,
    /// Only so many newest commits.
    pub depth: Option<u32>,
}

impl Runs {
    /// Clones a repository into a sandbox.
    ///
    /// # Errors
    /// When there is no such sandbox or repository, the folder is not empty, or it cannot be reached.
    pub async fn clone_into_sandbox(
        &self,
        name: &SandboxName,
        wanted: CloneRequest,
    ) -> Result<(), RunsError> {
        check_text("The address", &wanted.url, 4096)?;
        check_text("The path", &wanted.path, 4096)?;
        let scheme = wanted.url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("http" | "https")) {
            return Err(
                Invalid("The address of a repository begins with https:// or http://.".to_owned()).into(),
            );
        }
        for (what, text) in [("The branch", &wanted.branch), ("The name", &wanted.username)] {
            if let Some(text) = text {
                check_text(what, text, 1024)?;
            }
        }
        let request = GitClone {
            url: wanted.url,
            path: wanted.path,
            branch: wanted.branch,
            commit_id: None,
            username: wanted.username,
            password: wanted.password,
            insecure_skip_tls: None,
            depth: wanted.depth,
        };
        let cloned = self.reach(name).await?.git_clone(&request).await;
        cloned.map_err(|error| {
            // The provider works; it is the address that cannot be reached from where the sandbox is.
            let unreachable = error.code() == Some("GIT_TRANSPORT_FAILED");
            match self.told(error) {
                RunsError::Provider(words) if unreachable => Invalid(format!(
                    "{words} Check the address, and whether sandboxes may reach it."
                ))
                .into(),
                told => told,
            }
        })
    }
}
