//! What can go wrong when a run is asked for, as sentences for the person who asked.

use model::Invalid;
use store::StoreError;

/// Why a request about runs was not met.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// There is no such run, agent or sandbox.
    #[error("{0}")]
    NotFound(String),
    /// Something else is under way: the sentence names it.
    #[error("{0}")]
    Conflict(String),
    /// What was asked for breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The run has ended, or its program does not run yet.
    #[error("{0}")]
    NotRunning(String),
    /// The provider of sandboxes did not do its part.
    #[error("{0}")]
    Provider(String),
    /// As many runs wait as can.
    #[error("{0}")]
    Busy(String),
    /// Whoever asks has as much as they may have.
    #[error("{0}")]
    TooMany(String),
    /// Pitlane is shutting down; the request can be sent again in a moment.
    #[error("Pitlane is shutting down. Try again in a moment.")]
    ShuttingDown,
    /// The database did not do its part.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RunsError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(sentence) => Self::NotFound(sentence),
            StoreError::Conflict(sentence) => Self::Conflict(sentence),
            StoreError::Invalid(invalid) => Self::Invalid(invalid),
            other => Self::Store(other),
        }
    }
}
