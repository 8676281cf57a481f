//! What can go wrong between us and a provider, kept in types: who said what,
//! and whether the call may have been executed.

use crate::{SandboxState, SnapshotState, codes};
use std::time::Duration;

/// The close code of an interpreter whose time was over.
const TIME_OVER: u16 = 4008;

/// A failed call.
///
/// `Display` is a sentence that a person can read; nothing in it holds the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot be used; the sentence says why.
    #[error("{0}")]
    Config(String),
    /// The provider answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No connection came about, so nothing was executed.
    #[error("{call} did not reach the provider: {reason}")]
    Unreachable {
        /// Method and path.
        call: String,
        /// The cause, from the network.
        reason: String,
    },
    /// The connection broke. Whether the call was executed is not known.
    #[error("{call} broke off: {reason}")]
    Interrupted {
        /// Method and path.
        call: String,
        /// The cause, from the network.
        reason: String,
    },
    /// No answer came in time. Whether the call was executed is not known.
    #[error("{call} had no answer within {after:?}")]
    TimedOut {
        /// Method and path.
        call: String,
        /// How long we waited.
        after: Duration,
    },
    /// The answer is not what Daytona's API says it should be.
    #[error("{call} was answered in a form that is not Daytona's: {reason}")]
    Malformed {
        /// Method and path.
        call: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer is larger than we are ready to hold.
    #[error("{call} was answered with more than {limit} bytes, which is the limit")]
    TooLarge {
        /// Method and path.
        call: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A sandbox failed while we waited for it.
    #[error("Sandbox {id} went into the state {}: {reason}", state.as_str())]
    SandboxFailed {
        /// The sandbox.
        id: String,
        /// The state it is in.
        state: SandboxState,
        /// The provider's reason.
        reason: String,
    },
    /// A sandbox did not come into the state we waited for.
    #[error("Sandbox {id} was still {} after {after:?}", state.as_str())]
    WaitTimedOut {
        /// The sandbox.
        id: String,
        /// The state it is in.
        state: SandboxState,
        /// How long we waited.
        after: Duration,
    },
    /// A snapshot did not become usable.
    #[error("Snapshot {id} is {}: {reason}", state.as_str())]
    SnapshotFailed {
        /// The snapshot.
        id: String,
        /// The state it is in.
        state: SnapshotState,
        /// The provider's reason.
        reason: String,
    },
    /// A socket of the toolbox was closed with a code that says that it did not
    /// come to its end.
    #[error("{call} was closed with code {code}{}{reason}", if reason.is_empty() { "" } else { ": " })]
    SocketClosed {
        /// Method and path.
        call: String,
        /// The WebSocket close code.
        code: u16,
        /// The provider's reason; may be empty.
        reason: String,
    },
    /// A followed log was closed with a code that says it is not complete.
    #[error("The log was closed before its end, with code {code}{}{reason}", if reason.is_empty() { "" } else { ": " })]
    LogClosed {
        /// The WebSocket close code; only 1000 is a good end.
        code: u16,
        /// The provider's reason; may be empty.
        reason: String,
    },
    /// The connection of a followed log broke, and its format cannot be taken
    /// up again where it broke off: read the whole log to make up for it.
    #[error("The followed log broke off after {offset} bytes: {reason}")]
    LogBroken {
        /// Bytes of merged output delivered so far.
        offset: u64,
        /// The cause, from the network.
        reason: String,
    },
}

/// An answer that is not a success, in the provider's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Method and path of the call.
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// The provider's code, such as `FILE_NOT_FOUND`.
    pub code: Option<String>,
    /// The provider's message.
    pub message: String,
    /// Who says so: `DAYTONA_API`, `DAYTONA_DAEMON` or `DAYTONA_PROXY`.
    pub source: Option<String>,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            call,
            status,
            message,
            ..
        } = self;
        write!(formatter, "{call} was refused: {message} (HTTP {status}")?;
        if let Some(code) = &self.code {
            write!(formatter, ", {code}")?;
        }
        formatter.write_str(")")?;
        if *status == 401 {
            formatter.write_str(". Check the API key and that it belongs to this provider")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

impl Error {
    /// The provider's answer, when there was one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The HTTP status, when the provider answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The provider's code, such as `FILE_NOT_FOUND`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// The provider's own message, without what we say around it.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.message.as_str())
    }

    /// How long the provider asks to wait before the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// Whether the thing asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the thing exists already, or is in the middle of a change.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Whether the thing was there and has ended: a session, a command.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status() == Some(410)
    }

    /// Whether the key was not accepted, or may not do this.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether a command was killed because its time was over.
    #[must_use]
    pub fn is_execution_timeout(&self) -> bool {
        let closed = matches!(self, Self::SocketClosed { code, .. } if *code == TIME_OVER);
        closed || self.status() == Some(408) || self.code() == Some(codes::PROCESS_EXECUTION_TIMEOUT)
    }

    /// Whether the same call may succeed later, as far as the error tells: the
    /// provider was not reached, was busy, or said when to come back. Says
    /// nothing about whether sending it again is safe; see
    /// [`Error::may_have_executed`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::WaitTimedOut { .. }
            | Self::LogBroken { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Whether the provider may have done what was asked although the call
    /// failed. Then look before asking again.
    #[must_use]
    pub fn may_have_executed(&self) -> bool {
        match self {
            Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::Malformed { .. }
            | Self::SocketClosed { .. }
            | Self::TooLarge { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 408 | 500..),
            _ => false,
        }
    }
}
