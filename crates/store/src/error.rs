//! Why the store did not do what it was asked, as sentences for people.

use model::Invalid;

/// A refusal or a failure of the store. Its text is one sentence or two: what
/// happened, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand: a name is taken, a run goes on.
    #[error("{0}")]
    Conflict(String),
    /// What was given breaks one of the domain's rules.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database was made by a newer Pitlane.
    #[error("{0}")]
    TooNew(String),
    /// The database cannot be used now: unreachable, locked, full, read-only, damaged.
    #[error("{sentence}")]
    Unavailable {
        /// What happened and what to do.
        sentence: String,
        /// What the driver said.
        #[source]
        cause: Option<sqlx::Error>,
    },
}
