//! The hash of a log, built up as it comes.

use sha2::{Digest as _, Sha256};

/// SHA-256 of a run's output so far.
#[derive(Clone, Default)]
pub(crate) struct Digest {
    sha: Sha256,
    broken: bool,
}

impl Digest {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha.update(bytes);
    }

    /// Notes that bytes are missing: the hash is then not that of the program's output.
    pub(crate) fn skip(&mut self) {
        self.broken = true;
    }

    /// Whether it has seen every byte.
    pub(crate) fn is_whole(&self) -> bool {
        !self.broken
    }

    /// In hexadecimal.
    pub(crate) fn hex(&self) -> String {
        hex::encode(self.sha.clone().finalize())
    }
}
