//! The states of a run and the steps between them.
//!
//! ```text
//! queued ──▶ preparing ──▶ running ──▶ finishing ──▶ succeeded
//!    │           │            │            ├───────▶ failed      the program ended with a code other than 0
//!    │           │            │            ├───────▶ timed_out   it ran longer than it may
//!    │           │            │            ├───────▶ stopped     a person or a program stopped it
//!    │           │            │            └───────▶ lost        we cannot know how it ended
//!    └───────────┴────────────┴──▶ finishing     (stop, a provider that fails, a deadline)
//! ```
//! An end is never invented: what follows `finishing` comes from the status of
//! the program, from our own stop or deadline, or is `lost`.

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Accepted, waiting for its turn.
    Queued,
    /// A sandbox is made, files and packages are put into it.
    Preparing,
    /// The program runs.
    Running,
    /// The program ended; its log is completed and its sandbox cleaned up.
    Finishing,
    /// The program ended with code 0.
    Succeeded,
    /// The program ended with another code or by a signal, or could not be started.
    Failed,
    /// The program was ended because it ran longer than it may.
    TimedOut,
    /// The program was ended because somebody asked for it.
    Stopped,
    /// How the program ended cannot be known.
    Lost,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Preparing,
        Self::Running,
        Self::Finishing,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Stopped,
        Self::Lost,
    ];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Finishing => "finishing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing follows this state.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Stopped | Self::Lost
        )
    }

    /// Whether `next` may follow this state.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Preparing | Self::Finishing),
            Self::Preparing => matches!(next, Self::Running | Self::Finishing),
            Self::Running => matches!(next, Self::Finishing),
            Self::Finishing => next.is_end(),
            _ => false,
        }
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::parse(state.as_str()), Some(state));
            assert_eq!(
                serde_json::to_string(&state).expect("JSON"),
                format!("\"{state}\"")
            );
        }
    }

    #[test]
    fn every_way_leads_to_an_end_and_no_further() {
        for state in RunState::ALL {
            let next: Vec<_> = RunState::ALL
                .into_iter()
                .filter(|next| state.may_become(*next))
                .collect();
            assert_eq!(next.is_empty(), state.is_end(), "{state}");
            assert!(!state.may_become(state));
            if !state.is_end() && state != RunState::Finishing {
                assert!(state.may_become(RunState::Finishing), "{state} can be cut short");
                assert!(
                    next.iter().all(|next| !next.is_end()),
                    "{state} ends only through finishing"
                );
            }
        }
    }
}
