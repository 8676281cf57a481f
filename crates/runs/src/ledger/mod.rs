//! The ledger of a run's output: gives every byte its offset, counts lines,
//! hashes, holds the newest part in memory for readers, and hands whole chunks
//! to the writer that stores them.
//!
//! ```text
//!            append                                batch / stored
//! ingest ───────────▶ intake ─▶ open ─▶ ring ───────────────────▶ writer ─▶ store
//!                     (masks)      └──────┴──▶ read (each reader at its own cursor)
//! ```
//! Behind the intake there are masked bytes alone: offsets, lines and the hash
//! are theirs. The provider counts its own; [`Ledger::place`] is where it goes on.
//!
//! Three bounds keep memory flat. Chunks that are stored leave the ring when it
//! is over its size. Chunks that are not stored yet stay, and once they fill
//! the ring the ingest waits ([`Ledger::room`]), so that a slow database slows
//! the reading of the program's output and nothing is lost. Past the limit of
//! the log nothing more is stored until the end: the ring then holds the tail,
//! what it pushes out is the gap, and the gap and the tail are stored last.

mod digest;
mod intake;
mod ring;
mod writer;

pub(crate) use digest::Digest;
pub(crate) use ring::View;
pub(crate) use writer::Writer;

use crate::masking::Masks;
use intake::Intake;
use model::{LogEnd, LogStream, Millis};
use ring::Ring;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use store::Chunk;
use tokio::sync::{Notify, watch};

/// How much of a log is kept, and how much of that in memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of the whole log.
    pub(crate) log: u64,
    /// Of the ring.
    pub(crate) ring: usize,
}

/// The ledger of one run. One ingest appends, one writer stores, any number of readers read.
pub(crate) struct Ledger {
    intake: Mutex<Intake>,
    ring: Mutex<Ring>,
    more: watch::Sender<()>,
    work: Notify,
    full: Notify,
    room: Notify,
    urgent: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock is held can leave no broken state that matters more than going on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// A ledger that goes on at `offset` after `lines` line breaks; `mark` is the newest one that was
    /// stored. What came before is still to be hashed, see [`Ledger::restore`].
    pub(crate) fn new(limits: Limits, offset: u64, lines: u64, mark: Option<&str>) -> Self {
        Self {
            intake: Mutex::new(Intake::new(mark)),
            ring: Mutex::new(Ring::new(limits, offset, lines)),
            more: watch::Sender::new(()),
            work: Notify::new(),
            full: Notify::new(),
            room: Notify::new(),
            urgent: AtomicBool::new(false),
        }
    }

    /// Told whenever there is more to read; also used for changes of the run itself.
    pub(crate) fn more(&self) -> &watch::Sender<()> {
        &self.more
    }

    /// Goes over to another command: what is appended is its output from [`Ledger::place`] on, which
    /// begins at `base` of this log and is masked.
    pub(crate) fn take_up(&self, masks: Arc<Masks>, base: u64) {
        self.let_go();
        let mut intake = locked(&self.intake);
        let (position, _) = self.position();
        intake.take_up(masks, base, position);
    }

    /// The offset in the command's own output of the byte to append next.
    pub(crate) fn place(&self) -> u64 {
        locked(&self.intake).place()
    }

    /// What is masked in the command's output.
    pub(crate) fn masks(&self) -> Arc<Masks> {
        Arc::clone(locked(&self.intake).masks())
    }

    /// Appends output of the command.
    pub(crate) fn append(&self, stream: LogStream, at: Millis, bytes: &[u8]) {
        let enough = locked(&self.intake).append(&self.ring, stream, at, bytes);
        self.appended(enough);
    }

    /// Appends the end of a stream that was masked already, in the place of what is held back of it.
    pub(crate) fn append_masked(&self, stream: LogStream, at: Millis, masked: &[u8]) {
        let enough = locked(&self.intake).append_masked(&self.ring, stream, at, masked);
        self.appended(enough);
    }

    /// Notes that the provider did not keep the next `length` bytes.
    pub(crate) fn append_gap(&self, at: Millis, length: u64) {
        if length == 0 {
            return;
        }
        let enough = locked(&self.intake).append_gap(&self.ring, at, length);
        self.appended(enough);
    }

    /// Appends what is held back because it might become a secret: the command has ended.
    pub(crate) fn let_go(&self) {
        let enough = locked(&self.intake).let_go(&self.ring, Millis::now());
        self.appended(enough);
    }

    fn appended(&self, enough: bool) {
        self.work.notify_one();
        if enough {
            self.full.notify_one();
        }
        self.more.send_replace(());
    }

    /// Waits until the ring has room: until the writer has stored enough of it.
    pub(crate) async fn room(&self) {
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            // Registered before the look, so that a chunk stored in between is not missed.
            room.as_mut().enable();
            if locked(&self.ring).has_room() {
                return;
            }
            room.await;
        }
    }

    /// Waits until everything is stored that is to be before the end. For when nothing is appended any more.
    pub(crate) async fn drained(&self) {
        self.urgent.store(true, Ordering::Release);
        self.work.notify_one();
        self.full.notify_one();
        loop {
            let mut stored = std::pin::pin!(self.room.notified());
            stored.as_mut().enable();
            if locked(&self.ring).waiting() == 0 {
                return;
            }
            stored.await;
        }
    }

    fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Acquire)
    }

    /// Puts the hash of what an earlier process stored in the place of the new one.
    pub(crate) fn restore(&self, digest: Digest) {
        locked(&self.intake).digest = digest;
    }

    /// The offset of the next byte, and the line breaks before it.
    pub(crate) fn position(&self) -> (u64, u64) {
        locked(&self.ring).position()
    }

    /// Whether a reader at `offset` would be given little, and not to the end of a line.
    pub(crate) fn ends_within_a_line(&self, offset: u64) -> bool {
        locked(&self.ring).ends_within_a_line(offset)
    }

    /// Whether the log is over its limit, so that only its end is still kept.
    pub(crate) fn is_over_limit(&self) -> bool {
        locked(&self.ring).is_over_limit()
    }

    /// What a reader at `offset` can have, about `budget` bytes of it.
    pub(crate) fn read(&self, offset: u64, budget: u64) -> View {
        locked(&self.ring).read(offset, budget)
    }

    /// Chunks to store next, about `budget` bytes of them. With `all`, also the one that is not full.
    pub(crate) fn batch(&self, all: bool, budget: usize) -> Vec<Chunk> {
        locked(&self.ring).batch(all, budget)
    }

    /// What is stored last: the gap and the tail of a log over its limit.
    pub(crate) fn tail(&self) -> Vec<Chunk> {
        locked(&self.ring).tail()
    }

    /// Notes that everything before `offset` is stored.
    pub(crate) fn stored(&self, offset: u64) {
        let waiting = {
            let mut ring = locked(&self.ring);
            ring.stored(offset);
            ring.waiting()
        };
        self.room.notify_waiters();
        if waiting > 0 {
            self.work.notify_one();
        }
    }

    /// Wakes the writer when something waits that was too young to be stored.
    fn look_again(&self) {
        if locked(&self.ring).waiting() > 0 {
            self.work.notify_one();
        }
    }

    /// The end record. `exact` says whether the provider's stream carries every byte and was read to its end.
    pub(crate) fn end(&self, exact: bool) -> LogEnd {
        let intake = locked(&self.intake);
        let digest = &intake.digest;
        let (bytes, lines) = self.position();
        LogEnd {
            bytes,
            lines,
            sha256: digest.hex(),
            exact: exact && digest.is_whole(),
        }
    }
}

#[cfg(test)]
mod tests;
