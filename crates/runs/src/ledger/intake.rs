//! What stands between the provider's bytes and the ledger: they are masked,
//! then hashed, and what an earlier process stored already is passed over.

use super::{Digest, locked, ring::Ring};
use crate::masking::{Mark, Masker, Masks};
use model::{LogStream, Millis};
use std::sync::{Arc, Mutex};

/// The way in.
pub(super) struct Intake {
    pub(super) digest: Digest,
    masker: Masker,
    /// How many of the next masked bytes are in the ledger already.
    known: u64,
    /// Where an earlier process was, until the command is taken up.
    left: Option<Mark>,
    masked: Vec<u8>,
}

impl Intake {
    /// The mark is that of the part of the log that an earlier process stored.
    pub(super) fn new(mark: Option<&str>) -> Self {
        let left = mark.and_then(|mark| match serde_json::from_str(mark) {
            Ok(mark) => Some(mark),
            Err(error) => {
                // The command's log is then read from its beginning.
                tracing::error!(%error, "where a masked log is taken up cannot be read");
                None
            }
        });
        Self {
            digest: Digest::default(),
            masker: Masker::new(Masks::none()),
            known: 0,
            left,
            masked: Vec::new(),
        }
    }

    /// Begins with a command whose output begins at `base` of the masked log, which is at `position`.
    pub(super) fn take_up(&mut self, masks: Arc<Masks>, base: u64, position: u64) {
        let left = self.left.take();
        let left = left.filter(|left| (base..=position).contains(&left.log));
        let mark = match left {
            Some(mark) => mark,
            // Both logs are one, so far.
            None if masks.is_empty() => Mark {
                log: position,
                from: position.saturating_sub(base),
                ..Mark::default()
            },
            None => Mark {
                log: base,
                ..Mark::default()
            },
        };
        self.known = position.saturating_sub(mark.log);
        self.masker = Masker::resume(masks, &mark);
    }

    /// The offset in the command's own log that is wanted next.
    pub(super) fn place(&self) -> u64 {
        self.masker.place()
    }

    pub(super) fn masks(&self) -> &Arc<Masks> {
        self.masker.masks()
    }

    /// Takes the command's next bytes; says whether enough waits by now to be stored at once.
    pub(super) fn append(&mut self, ring: &Mutex<Ring>, stream: LogStream, at: Millis, bytes: &[u8]) -> bool {
        let mut buffer = std::mem::take(&mut self.masked);
        let masked = self.masker.feed(stream, bytes, &mut buffer);
        let enough = self.put(ring, stream, at, masked);
        self.masked = buffer;
        enough
    }

    /// Takes bytes that are masked and that the command's log has at its end.
    pub(super) fn append_masked(
        &mut self,
        ring: &Mutex<Ring>,
        stream: LogStream,
        at: Millis,
        masked: &[u8],
    ) -> bool {
        self.masker.drop_held(stream);
        self.put(ring, stream, at, masked)
    }

    /// Takes what was held back: nothing follows it.
    pub(super) fn let_go(&mut self, ring: &Mutex<Ring>, at: Millis) -> bool {
        let mut enough = false;
        for (stream, masked) in self.masker.finish() {
            enough |= self.put(ring, stream, at, &masked);
        }
        enough
    }

    /// Notes that the next bytes of the command are missing.
    pub(super) fn append_gap(&mut self, ring: &Mutex<Ring>, at: Millis, length: u64) -> bool {
        let enough = self.let_go(ring, at);
        self.masker.skip(length);
        let known = length.min(self.known);
        self.known -= known;
        if known == length {
            return enough;
        }
        self.digest.skip();
        locked(ring).append_gap(at, length - known) || enough
    }

    fn put(&mut self, ring: &Mutex<Ring>, stream: LogStream, at: Millis, masked: &[u8]) -> bool {
        let known = usize::try_from(self.known)
            .unwrap_or(usize::MAX)
            .min(masked.len());
        self.known -= known as u64;
        let masked = &masked[known..];
        if masked.is_empty() {
            return false;
        }
        // Hashed before anybody can read it, and in the order of its offsets.
        self.digest.update(masked);
        let mut ring = locked(ring);
        let mark = self.masker.mark(ring.position().0 + masked.len() as u64);
        ring.append(stream, at, masked, mark)
    }
}
