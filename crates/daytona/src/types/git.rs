//! Git in the toolbox. The keys of these bodies are in snake case, unlike the
//! rest of the API; the status' are in camel case.

use serde::{Deserialize, Serialize};

/// Body of `POST /git/clone`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitClone {
    /// The repository's address.
    pub url: String,
    /// Where it goes; relative paths start from the work directory.
    pub path: String,
    /// The branch to check out; the remote's own when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit to check out instead of a branch's newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<String>,
    /// The name to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password or token to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Do not check the server's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_skip_tls: Option<bool>,
    /// Only so many newest commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
}

impl GitClone {
    /// A whole repository without signing in.
    pub fn new(url: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            path: path.into(),
            ..Self::default()
        }
    }
}

/// Body of `POST /git/push` and `POST /git/pull`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitTransfer {
    /// The repository.
    pub path: String,
    /// The name to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password or token to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The branch; the current one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The remote; the branch's own, or `origin`, when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Push only: remember the remote branch as this branch's upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_upstream: Option<bool>,
}

impl GitTransfer {
    /// The current branch, without signing in.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }
}

/// Body of `POST /git/credentials`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCredentials {
    /// The name to sign in with.
    pub username: String,
    /// The password or token to sign in with.
    pub password: String,
    /// Where to; `github.com` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// By which protocol; `https` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// Shows whether there is a password, not which.
fn hidden(password: &Option<String>) -> Option<&'static str> {
    password.as_ref().map(|_| "…")
}

impl std::fmt::Debug for GitClone {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("GitClone")
            .field("path", &self.path)
            .field("branch", &self.branch)
            .field("commit_id", &self.commit_id)
            .field("username", &self.username)
            .field("password", &hidden(&self.password))
            .field("insecure_skip_tls", &self.insecure_skip_tls)
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for GitTransfer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("GitTransfer")
            .field("path", &self.path)
            .field("username", &self.username)
            .field("password", &hidden(&self.password))
            .field("branch", &self.branch)
            .field("remote", &self.remote)
            .field("set_upstream", &self.set_upstream)
            .finish()
    }
}

impl std::fmt::Debug for GitCredentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("GitCredentials")
            .field("username", &self.username)
            .field("host", &self.host)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// Answer of `GET /git/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitStatus {
    /// The branch; `HEAD` when there is none.
    pub current_branch: String,
    /// What differs from the last commit.
    pub file_status: Vec<GitFileStatus>,
    /// Commits that the upstream has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
    /// Commits of the upstream that this branch has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
    /// Whether the branch has an upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_published: Option<bool>,
    /// Whether a commit is checked out and no branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detached: Option<bool>,
    /// The upstream, such as `origin/main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

/// A file that differs from the last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitFileStatus {
    /// Its path in the repository.
    pub name: String,
    /// What it was called before it was renamed.
    #[serde(default)]
    pub extra: String,
    /// The index against the last commit.
    pub staging: GitFileState,
    /// The file against the index.
    pub worktree: GitFileState,
}

/// How a file differs. A word this crate does not know reads as `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "Daytona's own words, which say it")]
pub enum GitFileState {
    Unmodified,
    Untracked,
    Modified,
    Added,
    Deleted,
    Renamed,
    Copied,
    #[serde(rename = "Updated but unmerged")]
    Unmerged,
    #[default]
    #[serde(other)]
    Unknown,
}

/// Body of `POST /git/add`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitAdd {
    /// The repository.
    pub path: String,
    /// Files and directories in it; `.` is everything.
    pub files: Vec<String>,
}

/// Body of `POST /git/commit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCommit {
    /// The repository.
    pub path: String,
    /// What was done and why.
    pub message: String,
    /// Whose work it is.
    pub author: String,
    /// Their address.
    pub email: String,
    /// Commit also when nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_empty: Option<bool>,
}

/// Answer of `POST /git/commit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCommitHash {
    /// The new commit.
    pub hash: String,
}

/// Answer of `GET /git/branches`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitBranches {
    /// The local branches.
    pub branches: Vec<String>,
    /// The one that is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

/// Body of `POST` and `DELETE /git/branches`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitBranch {
    /// The repository.
    pub path: String,
    /// The branch.
    pub name: String,
}

/// Body of `POST /git/checkout`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCheckout {
    /// The repository.
    pub path: String,
    /// A branch or a commit.
    pub branch: String,
}

/// A commit of `GET /git/history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCommitInfo {
    /// Its hash.
    pub hash: String,
    /// Whose work it is.
    pub author: String,
    /// Their address.
    pub email: String,
    /// What was done and why.
    pub message: String,
    /// When, as RFC 3339.
    pub timestamp: String,
}

/// Body of `POST /git/init`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitInit {
    /// Where the repository is to be.
    pub path: String,
    /// Without a work tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare: Option<bool>,
    /// What the first branch is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_branch: Option<String>,
}

/// Body of `POST /git/reset`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitReset {
    /// The repository.
    pub path: String,
    /// `soft`, `mixed` (when not given), `hard`, `merge` or `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The commit; the current one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Only these files, and only in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
}

/// Body of `POST /git/restore`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRestore {
    /// The repository.
    pub path: String,
    /// Files and directories in it.
    pub files: Vec<String>,
    /// In the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<bool>,
    /// In the work tree; so it is when neither is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<bool>,
    /// From this commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Answer of `GET /git/remotes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRemotes {
    /// The remotes.
    pub remotes: Vec<GitRemote>,
}

/// A remote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRemote {
    /// Its name.
    pub name: String,
    /// Its address, without a password.
    pub url: String,
}

/// Body of `POST /git/remotes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitAddRemote {
    /// The repository.
    pub path: String,
    /// The remote's name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Fetch from it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<bool>,
    /// Replace one of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overwrite: Option<bool>,
}

/// Answer of `GET /git/config`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitConfigValue {
    /// The value; none when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Body of `POST /git/config`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSetConfig {
    /// The key, such as `core.autocrlf`.
    pub key: String,
    /// The value.
    pub value: String,
    /// `global` (when not given), `local` or `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The repository, for `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Body of `POST /git/config/user`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitUser {
    /// Who commits.
    pub name: String,
    /// Their address.
    pub email: String,
    /// `global` (when not given), `local` or `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The repository, for `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
