//! Reading a spool from an offset on, as whole records, gaps said.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use daytona::wire::frames::{self, HEADER_LENGTH};
use tokio::sync::watch;

use super::{Progress, Spool};
use crate::clock;

/// A place in a spool. What a daemon adds after the command's end is not read
/// by who follows the command. It holds the writer up for no longer than it takes
/// to find its place, and to take small records from memory.
#[derive(Debug)]
pub(crate) struct Reader {
    spool: Arc<Spool>,
    progress: watch::Receiver<Progress>,
    offset: u64,
    /// Nothing from here on is given.
    limit: u64,
    open: Option<Open>,
    /// It waits for more: what comes is held in memory for it.
    follows: bool,
}

#[derive(Debug)]
struct Open {
    number: u64,
    file: File,
    position: u64,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.follows {
            self.spool.writer().recent().leave();
        }
    }
}

impl Reader {
    pub(super) fn new(spool: Arc<Spool>, offset: u64, progress: watch::Receiver<Progress>) -> Self {
        Self {
            spool,
            progress,
            offset,
            limit: u64::MAX,
            open: None,
            follows: false,
        }
    }

    /// Ends at what is there now, whatever is added while it is read.
    pub(crate) fn up_to(mut self, offset: u64) -> Self {
        self.limit = offset;
        self
    }

    /// The offset of the next byte it gives.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next records, at most `most` bytes of them (but at least one record),
    /// each piece of whole ones, waiting for the program when there are none.
    /// `None` when the command has ended and everything was given.
    pub(crate) async fn next(&mut self, most: usize) -> Option<Vec<Bytes>> {
        if !self.follows {
            self.follows = true;
            self.spool.writer().recent().join();
        }
        loop {
            let seen = *self.progress.borrow_and_update();
            if let Some(end) = seen.end {
                self.limit = self.limit.min(end);
            }
            if let Some(records) = self.take_recent(most) {
                return Some(records);
            }
            if let Some(records) = self.take(most) {
                return Some(vec![records]);
            }
            self.forget_recent();
            if seen.end.is_some() || self.progress.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The next records, from memory.
    fn take_recent(&mut self, most: usize) -> Option<Vec<Bytes>> {
        let mut writer = self.spool.writer();
        // What a daemon adds comes after the end was told, so it is seen here.
        let command_end = self.spool.progress().end.unwrap_or(u64::MAX);
        let (mut pieces, end) = writer
            .recent()
            .from(self.offset, self.limit.min(command_end), most)?;
        drop(writer);
        if let Some(first) = pieces.first_mut() {
            *first = self.trim(std::mem::take(first));
        }
        self.offset = end;
        // The place in the file is searched again when it is needed.
        self.open = None;
        Some(pieces)
    }

    /// Forgets what was taken, unless something came since.
    fn forget_recent(&self) {
        let mut writer = self.spool.writer();
        if writer.offset() == self.offset {
            writer.recent().taken();
        }
    }

    /// The next records that are there now.
    pub(crate) fn take(&mut self, most: usize) -> Option<Bytes> {
        let total = self.spool.progress().offset.min(self.limit);
        if self.offset < total {
            let Some(length) = self.locate() else {
                // Nothing is kept from here on: the last writes failed.
                return Some(self.gap(total));
            };
            let problem = match self.read(length, most) {
                Ok(Some(records)) => return Some(records),
                Ok(None) => std::io::Error::from(std::io::ErrorKind::InvalidData),
                Err(error) => error,
            };
            tracing::warn!(error = %problem, "a log could not be read back; a gap is marked");
            let end = self.end_of_open();
            self.open = None;
            return Some(self.gap(end.max(self.offset + 1).min(total)));
        }
        None
    }

    /// Opens the segment that holds the offset, or the next one that is kept;
    /// gives the bytes of whole records in it.
    fn locate(&mut self) -> Option<u64> {
        let writer = self.spool.writer();
        if let Some(open) = &self.open {
            if let Some(segment) = writer.segment(open.number)
                && open.position < segment.length
            {
                return Some(segment.length);
            }
            self.open = None;
        }
        let segment = writer.segment_at(self.offset)?;
        let file = File::open(writer.path(segment)).ok()?;
        self.open = Some(Open {
            number: segment.number,
            file,
            position: segment.seek(self.offset),
        });
        Some(segment.length)
    }

    fn end_of_open(&self) -> u64 {
        let number = self.open.as_ref().map(|open| open.number);
        let writer = self.spool.writer();
        number
            .and_then(|number| writer.segment(number))
            .map_or(self.offset, |segment| segment.end)
    }

    fn gap(&mut self, end: u64) -> Bytes {
        let mut record = BytesMut::new();
        frames::encode_gap(&mut record, clock::now_ms(), self.offset, end - self.offset);
        self.offset = end;
        record.freeze()
    }

    /// Reads whole records from the open segment, from the wanted offset on.
    /// `None` when what is there is no record.
    fn read(&mut self, length: u64, most: usize) -> std::io::Result<Option<Bytes>> {
        loop {
            let Some(open) = &mut self.open else {
                return Ok(None);
            };
            let there = usize::try_from(length - open.position).unwrap_or(usize::MAX);
            // One record fits a message, so a read of a message holds at least one.
            let wanted = there.min(most.max(frames::MESSAGE_LIMIT));
            if wanted == 0 {
                return Ok(None);
            }
            let mut buffer = BytesMut::zeroed(wanted);
            open.file.read_exact_at(&mut buffer, open.position)?;
            let mut skipped = 0;
            let mut taken = 0;
            let mut expected = self.offset;
            while expected < self.limit
                && let Some((offset, content)) = header(&buffer[skipped + taken..])
            {
                let whole = HEADER_LENGTH + content as usize;
                if skipped + taken + whole > buffer.len() || (taken > 0 && taken + whole > most) {
                    break;
                }
                if offset + u64::from(content) <= self.offset {
                    skipped += whole;
                } else if offset > expected {
                    break;
                } else {
                    taken += whole;
                    expected = offset + u64::from(content);
                }
            }
            open.position += (skipped + taken) as u64;
            if taken > 0 {
                let mut records = buffer.freeze();
                records.advance(skipped);
                records.truncate(taken);
                let records = self.trim(records);
                self.offset = expected;
                return Ok(Some(records));
            }
            if let Some((offset, _)) = header(&buffer[skipped..])
                && offset > self.offset
            {
                return Ok(Some(self.gap(offset)));
            }
            if skipped == 0 {
                return Ok(None);
            }
        }
    }

    /// Cuts the front of the first record when the wanted offset is inside it.
    fn trim(&self, mut records: Bytes) -> Bytes {
        let Some((offset, content)) = header(&records) else {
            return records;
        };
        let cut = self.offset.saturating_sub(offset);
        if cut == 0 {
            return records;
        }
        let mut first = BytesMut::from(&records[..HEADER_LENGTH]);
        let left = content - u32::try_from(cut).unwrap_or(content);
        first[9..17].copy_from_slice(&self.offset.to_le_bytes());
        first[17..21].copy_from_slice(&left.to_le_bytes());
        records.advance(HEADER_LENGTH + (content - left) as usize);
        first.extend_from_slice(&records);
        first.freeze()
    }
}

/// The offset and content length of the record at the front.
fn header(bytes: &[u8]) -> Option<(u64, u32)> {
    let offset = bytes.get(9..17)?.try_into().ok()?;
    let length = bytes.get(17..21)?.try_into().ok()?;
    Some((u64::from_le_bytes(offset), u32::from_le_bytes(length)))
}
