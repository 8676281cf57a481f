//! A list of packages, for the engine's own call about them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Body of the call at [`crate::extension::PACKAGES`]: give the sandbox the
/// packages of a list. Answered like a command that was started in a session:
/// its log and its exit code tell what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallPackages {
    /// The session the command is of.
    pub session_id: String,
    /// `python`, `typescript` or `javascript`.
    pub language: String,
    /// The project's folder; the home folder when it is empty.
    pub folder: String,
    /// The files that make up the list, by name: `requirements.txt`, or
    /// `package.json` with its lock file.
    pub files: BTreeMap<String, String>,
}
