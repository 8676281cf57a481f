//! One-off processes of the toolbox.

use super::Chart;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Body of `POST /process/execute`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteRequest {
    /// Shell text.
    pub command: String,
    /// Where it runs; the work directory when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// More environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envs: Option<BTreeMap<String, String>>,
    /// Seconds until it is killed; none or 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

impl ExecuteRequest {
    /// A command with nothing else set.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            ..Self::default()
        }
    }
}

/// Answer of `POST /process/execute`; a failing command is a success of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecuteResponse {
    /// The exit code; -1 when it could not be started.
    #[serde(default)]
    pub exit_code: i32,
    /// Standard output and standard error, interleaved.
    pub result: String,
}

/// Body of `POST /process/code-run`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRunRequest {
    /// The program.
    pub code: String,
    /// `python`, `javascript` or `typescript`.
    pub language: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// More environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envs: Option<BTreeMap<String, String>>,
    /// Seconds until it is killed; none or 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// Answer of `POST /process/code-run`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeRunResponse {
    /// The exit code.
    #[serde(default)]
    pub exit_code: i32,
    /// Standard output and standard error, interleaved.
    #[serde(default)]
    pub result: String,
    /// What the program made besides text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<CodeRunArtifacts>,
}

/// What a program made besides text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeRunArtifacts {
    /// Charts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charts: Option<Vec<Chart>>,
}
