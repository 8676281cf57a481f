//! Sessions of the toolbox: shells that live across commands.

use serde::{Deserialize, Serialize};

/// Body of `POST /process/session`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateSession {
    /// Its id, of the caller's choice; `entrypoint` is taken.
    pub session_id: String,
}

/// A session and its commands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub session_id: String,
    /// Its commands, oldest first.
    #[serde(default)]
    pub commands: Vec<Command>,
}

/// A command of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// Its id.
    pub id: String,
    /// Its shell text.
    #[serde(default)]
    pub command: String,
    /// The exit code; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// Body of `POST /process/session/{sid}/exec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionExecuteRequest {
    /// Shell text.
    pub command: String,
    /// Whether to answer at once instead of at its end.
    #[serde(default, alias = "async", skip_serializing_if = "Option::is_none")]
    pub run_async: Option<bool>,
    /// Whether input given later stays out of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_input_echo: Option<bool>,
}

/// Answer of `POST /process/session/{sid}/exec`; an asynchronous command has
/// only the id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionExecuteResponse {
    /// The command's id.
    pub cmd_id: String,
    /// The raw log with its markers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// Standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// The exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// Answer of `GET …/command/{cid}/logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandLogs {
    /// The raw log with its markers; [`crate::wire::Markers`] takes it apart.
    pub output: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Body of `POST …/command/{cid}/input`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequest {
    /// The text for standard input. Daytona adds a line break when it has none.
    #[serde(default)]
    pub data: String,
    /// Embedded engine only: pass the text on as it is, with no line break added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw: bool,
    /// Embedded engine only: close standard input after the text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eof: bool,
}

impl InputRequest {
    /// A line, which gets its line break from the server when it has none.
    pub fn line(data: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            ..Self::default()
        }
    }
}
