//! The byte formats of a followed log: Daytona's three-byte markers, and the
//! exact frames of Pitlane's engine. Both only take apart bytes that are
//! there: hostile bytes make wrong pieces at worst, never a panic, and never
//! more memory than they take themselves.

pub mod frames;
mod markers;

pub use markers::{Markers, STDERR_MARKER, STDOUT_MARKER};

/// Which of a program's streams bytes were written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }

    /// The three bytes that Daytona's log has before a line of this stream.
    #[must_use]
    pub const fn marker(self) -> [u8; 3] {
        match self {
            Self::Stdout => STDOUT_MARKER,
            Self::Stderr => STDERR_MARKER,
        }
    }
}
