//! Files of the toolbox.

use serde::{Deserialize, Serialize};

/// A file or directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileInfo {
    /// Its name, without the directory.
    pub name: String,
    /// Its size in bytes.
    #[serde(default)]
    pub size: u64,
    /// Type and permissions in letters, such as `-rw-r--r--`.
    #[serde(default)]
    pub mode: String,
    /// When it last changed, in Go's format; deprecated.
    #[serde(default)]
    pub mod_time: String,
    /// When it last changed, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<String>,
    /// Whether it is a directory.
    #[serde(default)]
    pub is_dir: bool,
    /// The owner's name or number.
    #[serde(default)]
    pub owner: String,
    /// The group's name or number.
    #[serde(default)]
    pub group: String,
    /// Permissions in octal, such as `0644`.
    #[serde(default)]
    pub permissions: String,
    /// Its path, when the server gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Answer of `POST /files/bulk-upload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkUploadResponse {
    /// The files written.
    #[serde(default)]
    pub files: Vec<UploadedFile>,
}

/// A file that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// Its path, as it was given.
    #[serde(default)]
    pub path: String,
    /// Bytes written.
    #[serde(default)]
    pub bytes: u64,
}

/// Answer (400) of `POST /files/bulk-upload` when some files could not be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkUploadErrors {
    /// One sentence per file.
    #[serde(default)]
    pub errors: Vec<String>,
    /// The files that were written.
    #[serde(default)]
    pub files: Vec<UploadedFile>,
}

/// Body of `POST /files/bulk-download`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkDownloadRequest {
    /// The files wanted.
    pub paths: Vec<String>,
}

/// A line found by `GET /files/find`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMatch {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The line's text.
    pub content: String,
}

/// Answer of `GET /files/search`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResponse {
    /// Paths whose last part matches.
    pub files: Vec<String>,
}

/// Body of `POST /files/replace`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaceRequest {
    /// The files to change.
    pub files: Vec<String>,
    /// The text to find, literally.
    pub pattern: String,
    /// The text to put there.
    pub new_value: String,
}

/// What became of one file of `POST /files/replace`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplaceResult {
    /// The file.
    pub file: String,
    /// Whether it was changed.
    pub success: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
