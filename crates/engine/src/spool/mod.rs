//! The output of a command, kept exactly: a file of records, found again by offset.
//!
//! What the engine reads from a program's pipes is appended as one record per
//! read, in the very form the exact log travels (`daytona::wire::frames`), so
//! that a follower is served by copying the file, or, while it keeps up, what
//! was just appended (`recent`). Offsets count the bytes of standard output and
//! standard error together, in order of arrival.
//!
//! The spool is bounded. It is cut into segments; the first ones and the newest
//! ones are kept, each up to half the bound, and the segments between are
//! removed. Readers meet a gap there and say so; the program is never held up.

mod found;
mod reader;
mod recent;
mod segment;
mod text;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use text::Lossy;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, BytesMut};
use daytona::wire::Stream;
use daytona::wire::frames::{HEADER_LENGTH, MESSAGE_LIMIT};
use tokio::sync::watch;

use writer::Writer;

/// The bytes kept of one command, half from its beginning, half from its end.
pub(crate) const LIMIT: u64 = 256 << 20;
/// The most bytes of one read from a pipe: with its header one whole message.
pub(crate) const READ_LENGTH: usize = MESSAGE_LIMIT - HEADER_LENGTH;

/// How far a spool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes of the program so far, kept or not.
    pub offset: u64,
    /// The command has ended, and this is the offset after everything it
    /// printed. A daemon that it left behind may still add to the log.
    pub end: Option<u64>,
}

/// The log of one command.
#[derive(Debug)]
pub(crate) struct Spool {
    writer: Mutex<Writer>,
    progress: watch::Sender<Progress>,
    /// Its files stay when nobody holds it any more.
    stays: bool,
}

impl Spool {
    /// An empty log whose files will be `folder/<name>-<n>.log`. Nothing is
    /// written before the first byte.
    pub(crate) fn new(folder: PathBuf, name: &str, limit: u64) -> Arc<Self> {
        Arc::new(Self {
            writer: Mutex::new(Writer::new(folder, name.to_owned(), limit)),
            progress: watch::Sender::new(Progress::default()),
            stays: false,
        })
    }

    /// The log of that name which an earlier engine left; empty when there is
    /// none. It is complete, and its files stay.
    pub(crate) fn found(folder: PathBuf, name: &str) -> Arc<Self> {
        let writer = Writer::found(folder, name.to_owned());
        let offset = writer.offset();
        Arc::new(Self {
            writer: Mutex::new(writer),
            progress: watch::Sender::new(Progress {
                offset,
                end: Some(offset),
            }),
            stays: true,
        })
    }

    /// Writes a note beside the log, in the place of an earlier one. It goes
    /// with the log.
    pub(crate) fn note(&self, text: &[u8]) {
        self.writer().note(text);
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what was read. `record` holds `HEADER_LENGTH` bytes for the
    /// record's header and then the content, so that one write does it.
    pub(crate) fn append_record(&self, stream: Stream, record: BytesMut) {
        let offset = self.writer().append(stream, record);
        // Two writers may come here in the other order than they wrote.
        self.progress
            .send_modify(|progress| progress.offset = progress.offset.max(offset));
    }

    /// Appends bytes of ours, such as echoed input.
    pub(crate) fn append(&self, stream: Stream, content: &[u8]) {
        for piece in content.chunks(READ_LENGTH) {
            let mut record = BytesMut::with_capacity(HEADER_LENGTH + piece.len());
            record.put_bytes(0, HEADER_LENGTH);
            record.put_slice(piece);
            self.append_record(stream, record);
        }
    }

    /// Says that the command's own output is all there.
    pub(crate) fn complete(&self) {
        self.writer().rest();
        self.progress.send_modify(|progress| {
            progress.end.get_or_insert(progress.offset);
        });
    }

    /// How far it is now.
    pub(crate) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Reads from an offset of the merged output on, to the command's end.
    pub(crate) fn read_from(self: &Arc<Self>, offset: u64) -> Reader {
        Reader::new(Arc::clone(self), offset, self.progress.subscribe())
    }

    /// Bytes of it on disk.
    pub(crate) fn kept(&self) -> u64 {
        self.writer().kept()
    }

    /// Removes its files; who reads on meets a gap.
    pub(crate) fn remove(&self) {
        self.writer().remove();
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.stays {
            self.remove();
        }
    }
}

#[cfg(test)]
mod tests;
