//! Terminals of the toolbox.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a terminal is made with: the query of `GET /process/pty/create-connect`
/// (the variables travel in a subprotocol) and the body of `POST /process/pty`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PtyCreate {
    /// Its id, of the caller's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where its shell starts; the work directory when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// More environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envs: Option<BTreeMap<String, String>>,
    /// Columns; 80 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cols: Option<u16>,
    /// Rows; 24 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u16>,
    /// Start the shell when the first client connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lazy_start: Option<bool>,
}

/// Answer of `POST /process/pty`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PtyCreated {
    /// The terminal's id.
    pub session_id: String,
}

/// A terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PtySession {
    /// Its id.
    pub id: String,
    /// Where its shell started.
    #[serde(default)]
    pub cwd: String,
    /// The variables it was given.
    #[serde(default)]
    pub envs: BTreeMap<String, String>,
    /// Columns.
    #[serde(default)]
    pub cols: u16,
    /// Rows.
    #[serde(default)]
    pub rows: u16,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// Whether its shell runs.
    #[serde(default)]
    pub active: bool,
    /// Whether its shell starts with the first client.
    #[serde(default)]
    pub lazy_start: bool,
}

/// Answer of `GET /process/pty`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtySessions {
    /// All terminals.
    pub sessions: Vec<PtySession>,
}

/// Body of `POST /process/pty/{id}/resize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtyResize {
    /// Columns, 1 to 1000.
    pub cols: u16,
    /// Rows, 1 to 1000.
    pub rows: u16,
}

/// A text message of a terminal's socket that is about the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtyControl {
    /// Always `control`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is said.
    #[serde(flatten)]
    pub status: PtyStatus,
}

impl PtyControl {
    /// The message that says this.
    #[must_use]
    pub fn new(status: PtyStatus) -> Self {
        Self {
            kind: "control".to_owned(),
            status,
        }
    }
}

/// What a terminal's socket says about the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum PtyStatus {
    /// Output follows.
    Connected,
    /// It could not be connected.
    Error {
        /// Why not.
        #[serde(default)]
        error: String,
    },
    /// Its shell has ended.
    Exited(PtyExit),
}

/// How a terminal's shell ended; also the reason of its socket's close.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PtyExit {
    /// Its exit code.
    pub exit_code: i32,
    /// Why it is not 0, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_reason: Option<String>,
}
