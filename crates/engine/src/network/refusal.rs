//! Why something is not reached, as the end of a sentence that begins with it.

use std::io;

/// A refusal of an address or a name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The sandbox asked for no network at all, or gets none.
    #[error("cannot be reached: this sandbox's network is switched off")]
    Off,
    /// It is this host, or in a network of its.
    #[error("is not a public address, and sandboxes reach only those")]
    NotPublic,
    /// The operator's list does not hold it.
    #[error("is not on the list of what sandboxes of this engine may reach")]
    BeyondBound,
    /// The sandbox's own lists do not hold it.
    #[error("is not on the list of what this sandbox may reach")]
    BeyondWish,
    /// No name of a host.
    #[error("is no name of a host")]
    NoName,
    /// Nothing leads there.
    #[error("could not be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// It took too long.
    #[error("did not answer in time")]
    Silent,
}

impl Refusal {
    /// Whether somebody decided so; otherwise it failed.
    pub(crate) fn is_decided(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::Silent | Self::NoName)
    }
}
