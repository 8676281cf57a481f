//! The body of an answer that is not a success.

use serde::{Deserialize, Serialize};

/// The envelope of every error, of the control plane and of the toolbox.
///
/// The control plane fills `error` (the status in words), the toolbox fills
/// `code` and `method`; both fill the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorBody {
    /// The HTTP status again.
    pub status_code: u16,
    /// What went wrong, as a sentence.
    pub message: String,
    /// The path of the request.
    pub path: String,
    /// When, as RFC 3339 in UTC.
    pub timestamp: String,
    /// The status in words, such as `Not Found`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// One of [`codes`], or another word of a newer server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Who says so: `DAYTONA_API`, `DAYTONA_DAEMON` or `DAYTONA_PROXY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The method of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// The toolbox's error codes; each in its comment the status it comes with.
pub mod codes {
    /// 401
    pub const GIT_AUTH_FAILED: &str = "GIT_AUTH_FAILED";
    /// 404
    pub const GIT_REPO_NOT_FOUND: &str = "GIT_REPO_NOT_FOUND";
    /// 404
    pub const GIT_BRANCH_NOT_FOUND: &str = "GIT_BRANCH_NOT_FOUND";
    /// 409
    pub const GIT_BRANCH_EXISTS: &str = "GIT_BRANCH_EXISTS";
    /// 409
    pub const GIT_PUSH_REJECTED: &str = "GIT_PUSH_REJECTED";
    /// 409
    pub const GIT_DIRTY_WORKTREE: &str = "GIT_DIRTY_WORKTREE";
    /// 409
    pub const GIT_MERGE_CONFLICT: &str = "GIT_MERGE_CONFLICT";
    /// 502
    pub const GIT_TRANSPORT_FAILED: &str = "GIT_TRANSPORT_FAILED";
    /// 422
    pub const GIT_REMOTE_REJECTED: &str = "GIT_REMOTE_REJECTED";
    /// 400
    pub const LSP_SERVER_NOT_INITIALIZED: &str = "LSP_SERVER_NOT_INITIALIZED";
    /// 404
    pub const FILE_NOT_FOUND: &str = "FILE_NOT_FOUND";
    /// 403
    pub const FILE_ACCESS_DENIED: &str = "FILE_ACCESS_DENIED";
    /// 400
    pub const INVALID_FILE_PATH: &str = "INVALID_FILE_PATH";
    /// 500
    pub const FILE_READ_FAILED: &str = "FILE_READ_FAILED";
    /// 408
    pub const PROCESS_EXECUTION_TIMEOUT: &str = "PROCESS_EXECUTION_TIMEOUT";
    /// 404
    pub const PROCESS_NOT_FOUND: &str = "PROCESS_NOT_FOUND";
    /// 410
    pub const SESSION_ENDED: &str = "SESSION_ENDED";
    /// 410
    pub const COMMAND_ALREADY_COMPLETED: &str = "COMMAND_ALREADY_COMPLETED";
    /// 400
    pub const BAD_REQUEST: &str = "BAD_REQUEST";
    /// 400
    pub const INVALID_REQUEST_BODY: &str = "INVALID_REQUEST_BODY";
    /// 401
    pub const UNAUTHORIZED: &str = "UNAUTHORIZED";
    /// 403
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// 404
    pub const NOT_FOUND: &str = "NOT_FOUND";
    /// 409
    pub const CONFLICT: &str = "CONFLICT";
    /// 408
    pub const REQUEST_TIMEOUT: &str = "REQUEST_TIMEOUT";
    /// 410
    pub const GONE: &str = "GONE";
    /// 422
    pub const UNPROCESSABLE_ENTITY: &str = "UNPROCESSABLE_ENTITY";
    /// 500
    pub const INTERNAL_SERVER_ERROR: &str = "INTERNAL_SERVER_ERROR";
}
