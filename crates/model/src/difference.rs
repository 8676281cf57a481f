//! What differs between two revisions and between two runs.

use crate::{FilePath, Run};
use serde::{Deserialize, Serialize};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// Only the later one has it.
    Added,
    /// Only the earlier one has it.
    Removed,
    /// Both have it, with other content.
    Changed,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileDifference {
    /// Where it is.
    pub path: FilePath,
    /// What became of it.
    pub change: FileChange,
    /// The difference in unified form; none when one of the two is no text.
    pub diff: Option<String>,
}

/// Two runs beside each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunComparison {
    /// The one that is compared.
    pub a: Run,
    /// The one it is compared with.
    pub b: Run,
    /// What differs in their code, from `a` to `b`.
    pub files: Vec<FileDifference>,
    /// What differs in their output, from `a` to `b`, in unified form; empty when nothing does.
    pub output: String,
    /// Whether there is more output than was compared.
    pub is_cut: bool,
}
