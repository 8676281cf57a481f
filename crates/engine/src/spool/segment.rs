//! One file of a spool, and where in it an offset is.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many bytes of the file may pass between two entries of its index: the
/// most that is read in vain to find an offset.
const STRIDE: u64 = 256 << 10;

/// A file of whole records.
#[derive(Debug)]
pub(super) struct Segment {
    pub number: u64,
    /// Offset after its last byte.
    pub end: u64,
    /// Bytes of the file that hold whole records.
    pub length: u64,
    index: Vec<(u64, u64)>,
}

impl Segment {
    pub(super) fn new(number: u64, offset: u64) -> Self {
        Self {
            number,
            end: offset,
            length: 0,
            index: Vec::new(),
        }
    }

    /// Counts a record that was written at the end.
    pub(super) fn count(&mut self, offset: u64, record: u64, content: u64) {
        if self.index.last().is_none_or(|(_, at)| self.length - at >= STRIDE) {
            self.index.push((offset, self.length));
        }
        self.length += record;
        self.end = offset + content;
    }

    /// A place in the file at a record's start, at or before the offset.
    pub(super) fn seek(&self, offset: u64) -> u64 {
        let after = self.index.partition_point(|(first, _)| *first <= offset);
        after.checked_sub(1).map_or(0, |at| self.index[at].1)
    }

    pub(super) fn path(&self, folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}-{}.log", self.number))
    }

    pub(super) fn open(&self, folder: &Path, name: &str) -> std::io::Result<Arc<File>> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path(folder, name))
            .map(Arc::new)
    }
}
