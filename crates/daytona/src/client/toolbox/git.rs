//! Git in the sandbox.

use super::Toolbox;
use crate::client::Error;
use crate::{
    GitAdd, GitAddRemote, GitBranch, GitBranches, GitCheckout, GitClone, GitCommit, GitCommitHash,
    GitCommitInfo, GitConfigValue, GitCredentials, GitInit, GitRemote, GitRemotes, GitReset, GitRestore,
    GitSetConfig, GitStatus, GitTransfer, GitUser,
};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long work with another machine may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3600);
/// The largest answer: a long history, or a work tree with much changed.
const ANSWER_LIMIT: usize = 128 * 1024 * 1024;

/// Git calls. Their errors have the codes `GIT_…` of [`crate::codes`], see
/// [`Error::code`].
impl Toolbox {
    /// Clones a repository.
    ///
    /// # Errors
    /// 401 when it wants another name or password, 404 when it or the branch
    /// does not exist, 409 when the folder is not empty, 502 when it is not reached.
    pub async fn git_clone(&self, request: &GitClone) -> Result<(), Error> {
        self.git_transfer("clone", request).await
    }

    /// What is checked out, and what differs from it.
    ///
    /// # Errors
    /// 404 when there is no repository.
    pub async fn git_status(&self, path: &str) -> Result<GitStatus, Error> {
        self.git_read("status", path).await
    }

    /// Puts files into the next commit; `.` is everything.
    ///
    /// # Errors
    /// 404 when there is no such file.
    pub async fn git_add(&self, path: &str, files: Vec<String>) -> Result<(), Error> {
        let path = path.to_owned();
        self.git_send(Method::POST, &["git", "add"], &GitAdd { path, files })
            .await
    }

    /// Commits what was added; answers the commit's hash.
    ///
    /// # Errors
    /// 400 when nothing was added.
    pub async fn git_commit(&self, request: &GitCommit) -> Result<String, Error> {
        let call = self.call(Method::POST, &["git", "commit"])?.json(request)?;
        let answer: GitCommitHash = self.client.fetch(call).await?;
        Ok(answer.hash)
    }

    /// The local branches.
    ///
    /// # Errors
    /// 404 when there is no repository.
    pub async fn git_branches(&self, path: &str) -> Result<GitBranches, Error> {
        self.git_read("branches", path).await
    }

    /// Makes a branch and checks it out.
    ///
    /// # Errors
    /// 409 when it exists.
    pub async fn git_create_branch(&self, path: &str, name: &str) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "branches"], &branch(path, name))
            .await
    }

    /// Deletes a branch, also one that was not merged.
    ///
    /// # Errors
    /// 404 when there is none, 409 when it is checked out.
    pub async fn git_delete_branch(&self, path: &str, name: &str) -> Result<(), Error> {
        self.git_send(Method::DELETE, &["git", "branches"], &branch(path, name))
            .await
    }

    /// Checks out a branch or a commit.
    ///
    /// # Errors
    /// 404 when there is none, 409 when changes would be lost.
    pub async fn git_checkout(&self, path: &str, branch: &str) -> Result<(), Error> {
        let request = GitCheckout {
            path: path.to_owned(),
            branch: branch.to_owned(),
        };
        self.git_send(Method::POST, &["git", "checkout"], &request).await
    }

    /// Gives a branch to its remote.
    ///
    /// # Errors
    /// 409 when the remote has commits that are not here, 422 when it refuses.
    pub async fn git_push(&self, request: &GitTransfer) -> Result<(), Error> {
        self.git_transfer("push", request).await
    }

    /// Merges what the branch's remote has.
    ///
    /// # Errors
    /// 409 when that conflicts with commits or changes here.
    pub async fn git_pull(&self, request: &GitTransfer) -> Result<(), Error> {
        self.git_transfer("pull", request).await
    }

    /// The newest commits of what is checked out, newest first.
    ///
    /// # Errors
    /// 404 when there is no repository.
    pub async fn git_history(&self, path: &str) -> Result<Vec<GitCommitInfo>, Error> {
        self.git_read("history", path).await
    }

    /// Makes a repository.
    ///
    /// # Errors
    /// As every call.
    pub async fn git_init(&self, request: &GitInit) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "init"], request).await
    }

    /// Resets the branch, or of the index the files that are named.
    ///
    /// # Errors
    /// 404 when there is no such commit.
    pub async fn git_reset(&self, request: &GitReset) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "reset"], request).await
    }

    /// Restores files.
    ///
    /// # Errors
    /// 404 when there is no such file or commit.
    pub async fn git_restore(&self, request: &GitRestore) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "restore"], request).await
    }

    /// The remotes.
    ///
    /// # Errors
    /// 404 when there is no repository.
    pub async fn git_remotes(&self, path: &str) -> Result<Vec<GitRemote>, Error> {
        let answer: GitRemotes = self.git_read("remotes", path).await?;
        Ok(answer.remotes)
    }

    /// Adds a remote.
    ///
    /// # Errors
    /// 409 when there is one of this name.
    pub async fn git_add_remote(&self, request: &GitAddRemote) -> Result<(), Error> {
        self.git_transfer("remotes", request).await
    }

    /// A setting; `path` names the repository for the scope `local`.
    ///
    /// # Errors
    /// 400 for a key or scope that cannot be.
    pub async fn git_config(
        &self,
        key: &str,
        scope: Option<&str>,
        path: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let mut call = self.call(Method::GET, &["git", "config"])?.query("key", key);
        for (name, value) in [("scope", scope), ("path", path)] {
            if let Some(value) = value {
                call = call.query(name, value);
            }
        }
        let answer: GitConfigValue = self.client.fetch(call).await?;
        Ok(answer.value)
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// 400 for a key or scope that cannot be, 403 when it may not be written.
    pub async fn git_set_config(&self, request: &GitSetConfig) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "config"], request).await
    }

    /// Sets who commits.
    ///
    /// # Errors
    /// As of [`Toolbox::git_set_config`].
    pub async fn git_configure_user(&self, request: &GitUser) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "config", "user"], request)
            .await
    }

    /// Lets git sign in by itself from now on. Programs in the sandbox can use
    /// and read the password then.
    ///
    /// # Errors
    /// As every call.
    pub async fn git_authenticate(&self, request: &GitCredentials) -> Result<(), Error> {
        self.git_send(Method::POST, &["git", "credentials"], request)
            .await
    }

    async fn git_read<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<T, Error> {
        let call = self.call(Method::GET, &["git", what])?.query("path", path);
        self.client.fetch(call.limit(ANSWER_LIMIT)).await
    }

    async fn git_send(&self, method: Method, path: &[&str], request: &impl Serialize) -> Result<(), Error> {
        self.client.perform(self.call(method, path)?.json(request)?).await
    }

    async fn git_transfer(&self, what: &str, request: &impl Serialize) -> Result<(), Error> {
        let call = self.call(Method::POST, &["git", what])?.json(request)?;
        self.client.perform(call.timeout(Some(TRANSFER_TIMEOUT))).await
    }
}

fn branch(path: &str, name: &str) -> GitBranch {
    GitBranch {
        path: path.to_owned(),
        name: name.to_owned(),
    }
}
