//! Interpreters: Pythons that keep their variables from one piece of code to
//! the next, each in a sandbox of its own.

use crate::{AgentId, InterpreterId, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An agent's interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Interpreter {
    /// Its id.
    pub id: InterpreterId,
    /// Whose files and variables it has.
    pub agent: AgentId,
    /// The provider's id of its sandbox; none while that is made.
    pub sandbox: Option<String>,
    /// How many pieces of code it was given.
    pub cells: u64,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last given something.
    pub used_at: Millis,
    /// When it ends, if nobody uses it until then.
    pub expires_at: Millis,
}

/// What a piece of code says while it runs, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CellEvent {
    /// The program's own text.
    Log {
        /// `stdout` or `stderr`.
        stream: crate::LogStream,
        /// What it wrote.
        content: String,
    },
    /// The value of the last expression, by its media types; `text/plain` is always there.
    Result {
        /// Text, or base64 where the type is no text.
        data: BTreeMap<String, String>,
    },
    /// A figure of matplotlib.
    Chart(Chart),
    /// The exception that ended it.
    Exception(Exception),
    /// The end; nothing comes after it.
    #[serde(rename = "execution_complete")]
    End(CellEnd),
}

/// A figure of matplotlib.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Chart {
    /// The title of its first axes, or of the whole.
    pub title: String,
    /// What its first axes say along x.
    pub x_label: String,
    /// What its first axes say along y.
    pub y_label: String,
    /// The picture, a PNG in base64.
    pub png: String,
}

/// An exception that nothing caught.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Exception {
    /// Its class.
    pub name: String,
    /// What it says.
    pub value: String,
    /// Where it came from, as Python prints it.
    pub traceback: String,
}

/// How a piece of code ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CellEnd {
    /// In which way.
    pub state: CellState,
    /// Why, when there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the variables of earlier pieces were gone when this one began.
    pub restarted: bool,
    /// How long it took, in milliseconds.
    pub took: u64,
}

/// In which way a piece of code ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// It came to its end.
    #[default]
    Succeeded,
    /// An exception ended it.
    Failed,
    /// Somebody interrupted it.
    Interrupted,
    /// Its time was over.
    TimedOut,
    /// The Python under it ended, and with it the variables.
    Lost,
}
