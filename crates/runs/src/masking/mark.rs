//! Where a masked log can be taken up again. It holds places and lengths
//! alone: bytes that are held back must not be in the store.

use serde::{Deserialize, Serialize};

/// What is stored beside a piece of a masked log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The offset in the masked log that it is about.
    pub(crate) log: u64,
    /// Where to read the command's own log on from.
    pub(crate) from: u64,
    /// Standard output, standard error.
    pub(crate) streams: [StreamMark; 2],
}

/// One stream at that place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamMark {
    /// Bytes of this stream before this place of the command's log are not needed.
    pub(super) from: u64,
    /// So many of its bytes from there on are in the masked log already.
    pub(super) released: u64,
    /// Whether the last of them was masked.
    pub(super) masked: bool,
    /// From which of its bytes on each view reads, counted from there too.
    pub(super) views: Vec<u64>,
}
