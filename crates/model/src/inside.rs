//! What is inside a sandbox, as far as programs are told of it: files,
//! background processes, ports.

use serde::{Deserialize, Serialize};

/// A file or folder of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SandboxFile {
    /// Its name, without the folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Its size in bytes.
    pub size: u64,
    /// Type and permissions in letters, such as `-rw-r--r--`.
    pub mode: String,
    /// When it last changed, as RFC 3339, where the provider says so.
    pub modified_at: Option<String>,
}

/// A process that a program started in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SandboxProcess {
    /// Its id.
    pub id: String,
    /// What it runs, as a shell has it.
    pub command: String,
    /// Its exit code; none while it runs.
    pub exit_code: Option<i32>,
}

/// What a process wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProcessLog {
    /// Standard output so far.
    pub stdout: String,
    /// Standard error so far.
    pub stderr: String,
}

/// A port of a sandbox, as browsers reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SandboxPort {
    /// The port.
    pub port: u16,
    /// An address that opens it, for whoever has it, until its time is over.
    pub url: String,
}
