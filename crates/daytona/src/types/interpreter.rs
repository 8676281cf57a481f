//! The stateful Python of the toolbox.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Body of `POST /process/interpreter/context`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateContext {
    /// Where it runs; the work directory when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// `python` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// An interpreter with its variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterpreterContext {
    /// Its id.
    pub id: String,
    /// Where it runs.
    #[serde(default)]
    pub cwd: String,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// Whether its process runs.
    #[serde(default)]
    pub active: bool,
    /// Its language.
    #[serde(default)]
    pub language: String,
}

/// Answer of `GET /process/interpreter/context`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterpreterContexts {
    /// All but the default one.
    pub contexts: Vec<InterpreterContext>,
}

/// The first message of `GET /process/interpreter/execute`: what to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterpreterRun {
    /// The code.
    #[serde(default)]
    pub code: String,
    /// In which context; the default one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// Environment variables of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envs: Option<BTreeMap<String, String>>,
    /// Seconds until it is interrupted; 600 when not given, 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

impl InterpreterRun {
    /// Code in the default context.
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            ..Self::default()
        }
    }
}

/// A message about a run. All keys are always there; which hold something
/// depends on the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InterpreterMessage {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: InterpreterMessageKind,
    /// Text of the program, or of control `completed` or `interrupted`.
    pub text: String,
    /// The error's class.
    pub name: String,
    /// The error's value.
    pub value: String,
    /// The error's traceback.
    pub traceback: String,
}

/// What a message about a run is. A word this crate does not know reads as
/// `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Daytona's own words, which say it")]
pub enum InterpreterMessageKind {
    Stdout,
    Stderr,
    Error,
    Control,
    #[default]
    #[serde(other)]
    Unknown,
}
