//! The phases of a run, as the lane above the log shows them.

use crate::Millis;
use serde::{Deserialize, Serialize};

/// A step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waiting for its turn.
    Queued,
    /// A sandbox is created, or the live one is taken.
    Sandbox,
    /// The revision's files are put into it.
    Files,
    /// Packages are installed; left out when there are none.
    Packages,
    /// The program runs.
    Run,
    /// The log is completed and the sandbox deleted or kept.
    CleanUp,
}

impl Phase {
    /// All phases in their order.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Sandbox,
        Self::Files,
        Self::Packages,
        Self::Run,
        Self::CleanUp,
    ];

    /// The word for programs, as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sandbox => "sandbox",
            Self::Files => "files",
            Self::Packages => "packages",
            Self::Run => "run",
            Self::CleanUp => "clean_up",
        }
    }

    /// The name people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Sandbox => "Sandbox",
            Self::Files => "Files",
            Self::Packages => "Packages",
            Self::Run => "Run",
            Self::CleanUp => "Clean up",
        }
    }
}

/// A phase that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PhaseRecord {
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub started_at: Millis,
    /// How long it took in milliseconds, by a clock that never jumps; none while it lasts.
    pub took: Option<u64>,
    /// A few words on it: `warm`, `8 synced`, `when idle`.
    pub detail: Option<String>,
    /// Whether it ended in an error.
    #[serde(default)]
    pub failed: bool,
}
