//! Logs, in chunks of up to 64 KiB; never a row per line.

use crate::{Result, Store};
use model::{LogEnd, Millis, RunId};

/// A piece of a log as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Offset of its first byte.
    pub first_offset: u64,
    /// How many bytes of the log it stands for, gaps included.
    pub length: u64,
    /// Line breaks before it.
    pub first_line: u64,
    /// When its first byte arrived.
    pub at: Millis,
    /// Its records, as [`model::log::encode`] writes them.
    pub frames: Vec<u8>,
}

/// How far a log is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredEnd {
    /// The next byte's offset.
    pub offset: u64,
    /// Line breaks before it, but for those in gaps after the last chunk's begin.
    pub lines: u64,
}

impl Store {
    /// Appends chunks in one transaction. The first continues the log where it ends, each other the one
    /// before it.
    ///
    /// # Errors
    /// `Conflict` when they do not continue the log, `NotFound` when there is no such run.
    pub async fn append_chunks(&self, run: &RunId, chunks: &[Chunk]) -> Result<()> {
        todo!()
    }

    /// The chunk that holds byte `offset` and those after it, up to about `limit_bytes`; at least one
    /// while there is more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn chunks_from(&self, run: &RunId, offset: u64, limit_bytes: u64) -> Result<Vec<Chunk>> {
        todo!()
    }

    /// The chunk to read from to find line `line`, counted from 0: the line begins after
    /// `line - first_line` line breaks from the chunk's start on. None while the log is empty.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn chunk_of_line(&self, run: &RunId, line: u64) -> Result<Option<Chunk>> {
        todo!()
    }

    /// How far the log is stored, to go on from there.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn stored_end(&self, run: &RunId) -> Result<StoredEnd> {
        todo!()
    }

    /// Writes the end record of a log.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn save_log_end(&self, run: &RunId, end: &LogEnd) -> Result<()> {
        todo!()
    }

    /// The end record of a log, once it is written.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn log_end(&self, run: &RunId) -> Result<Option<LogEnd>> {
        todo!()
    }
}
