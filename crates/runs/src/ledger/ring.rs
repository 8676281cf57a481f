//! The newest part of a log, in memory: whole chunks, and the open one that
//! output is appended to.

use super::Limits;
use crate::masking::Mark;
use model::{
    LogStream, Millis,
    log::{self, Record},
};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use store::Chunk;

/// The most output in a chunk, in bytes.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;
/// So much output is stored without waiting for more, in bytes.
const BATCH_BYTES: usize = 4 * CHUNK_BYTES;
/// How long output may wait in the open chunk before it is stored.
pub(crate) const CHUNK_AGE: Duration = Duration::from_millis(40);

/// What a reader finds at its cursor.
pub(crate) enum View {
    /// Nothing yet.
    Nothing,
    /// These chunks hold the cursor and what follows.
    Chunks(Vec<Arc<Chunk>>),
    /// It is in the store, up to this offset.
    Stored {
        /// Where memory, or the gap, begins.
        until: u64,
    },
    /// It was not kept, up to this offset.
    Gap {
        /// When the first missing byte arrived.
        at: Millis,
        /// Where memory begins.
        until: u64,
    },
}

/// Where the part of a log begins that is only stored if it is still in memory at the end.
#[derive(Clone, Copy)]
struct TailStart {
    offset: u64,
    line: u64,
    at: Millis,
}

/// The chunk that is being filled.
struct Open {
    chunk: Chunk,
    since: Instant,
    /// The last record: where it starts, and what makes more bytes part of it.
    last: Option<(usize, LogStream, Millis)>,
    /// Where the masking was at an offset in this chunk, the newest.
    mark: Option<Mark>,
}

pub(super) struct Ring {
    chunks: VecDeque<Arc<Chunk>>,
    held: usize,
    open: Open,
    offset: u64,
    lines: u64,
    /// Whether the last byte is not the end of a line.
    within_a_line: bool,
    /// What readers were given of the open chunk, until it changes: they share it.
    given: Option<Arc<Chunk>>,
    stored: u64,
    head_limit: u64,
    bound: usize,
    tail: Option<TailStart>,
}

fn empty_chunk(offset: u64, line: u64, at: Millis) -> Open {
    let chunk = Chunk {
        first_offset: offset,
        length: 0,
        first_line: line,
        at,
        frames: Vec::new(),
        mark: None,
    };
    Open {
        chunk,
        since: Instant::now(),
        last: None,
        mark: None,
    }
}

fn end_of(chunk: &Chunk) -> u64 {
    chunk.first_offset + chunk.length
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl Ring {
    pub(super) fn new(limits: Limits, offset: u64, lines: u64) -> Self {
        // The tail is what memory holds, and half of a log that is smaller than that.
        let tail = as_u64(limits.ring).min(limits.log / 2);
        Self {
            chunks: VecDeque::new(),
            held: 0,
            open: empty_chunk(offset, lines, Millis::default()),
            offset,
            lines,
            within_a_line: false,
            given: None,
            stored: offset,
            head_limit: limits.log - tail,
            bound: usize::try_from(tail).unwrap_or(limits.ring),
            tail: None,
        }
    }

    pub(super) fn position(&self) -> (u64, u64) {
        (self.offset, self.lines)
    }

    pub(super) fn is_over_limit(&self) -> bool {
        self.tail.is_some()
    }

    /// Appends output, and where the masking is after it; says whether enough waits by now to be stored
    /// at once.
    pub(super) fn append(
        &mut self,
        stream: LogStream,
        at: Millis,
        mut bytes: &[u8],
        mut mark: Option<Mark>,
    ) -> bool {
        while !bytes.is_empty() {
            self.begin(at);
            let open = &mut self.open;
            let used = usize::try_from(open.chunk.length).unwrap_or(CHUNK_BYTES);
            let (part, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES.saturating_sub(used).max(1)));
            match open.last {
                Some((start, of, when)) if of == stream && when == at => {
                    log::lengthen(&mut open.chunk.frames, start, part);
                }
                _ => {
                    open.last = Some((open.chunk.frames.len(), stream, at));
                    let record = Record::Output {
                        stream,
                        at,
                        bytes: part,
                    };
                    log::encode(record, &mut open.chunk.frames);
                }
            }
            open.chunk.length += as_u64(part.len());
            self.offset += as_u64(part.len());
            self.lines += as_u64(memchr::memchr_iter(b'\n', part).count());
            self.within_a_line = part.last().is_some_and(|byte| *byte != b'\n');
            self.given = None;
            bytes = rest;
            if bytes.is_empty() && mark.is_some() {
                self.open.mark = mark.take();
            }
            if self.is_full() {
                self.seal();
            }
        }
        self.waiting() >= as_u64(BATCH_BYTES)
    }

    /// Appends a gap; it ends its chunk.
    pub(super) fn append_gap(&mut self, at: Millis, length: u64) -> bool {
        self.begin(at);
        log::encode(Record::Gap { at, length }, &mut self.open.chunk.frames);
        self.open.chunk.length += length;
        self.offset += length;
        self.within_a_line = false;
        self.seal();
        true
    }

    /// How many bytes are to be stored and are not yet.
    pub(super) fn waiting(&self) -> u64 {
        let head_end = self.tail.map_or(self.offset, |tail| tail.offset);
        head_end.saturating_sub(self.stored)
    }

    fn begin(&mut self, at: Millis) {
        if self.open.chunk.frames.is_empty() {
            self.open = empty_chunk(self.offset, self.lines, at);
            if self.tail.is_none() && self.offset >= self.head_limit {
                self.tail = Some(TailStart {
                    offset: self.offset,
                    line: self.lines,
                    at,
                });
            }
        }
    }

    fn is_full(&self) -> bool {
        // Records of few bytes have more head than content; that counts too.
        self.open.chunk.length >= as_u64(CHUNK_BYTES) || self.open.chunk.frames.len() >= 2 * CHUNK_BYTES
    }

    fn seal(&mut self) {
        if self.open.chunk.frames.is_empty() {
            return;
        }
        self.given = None;
        let next = empty_chunk(self.offset, self.lines, self.open.chunk.at);
        let Open { mut chunk, mark, .. } = std::mem::replace(&mut self.open, next);
        chunk.frames.shrink_to_fit();
        chunk.mark = mark.and_then(|mark| serde_json::to_string(&mark).ok());
        self.held += chunk.frames.len();
        self.chunks.push_back(Arc::new(chunk));
        self.evict();
    }

    fn evict(&mut self) {
        while self.held > self.bound {
            let Some(oldest) = self.chunks.front() else { return };
            if end_of(oldest) > self.stored && !self.is_tail(oldest) {
                return;
            }
            self.held -= oldest.frames.len();
            self.chunks.pop_front();
        }
    }

    fn is_tail(&self, chunk: &Chunk) -> bool {
        self.tail.is_some_and(|tail| chunk.first_offset >= tail.offset)
    }

    /// How much memory its chunks take, in bytes.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.held + self.open.chunk.frames.len()
    }

    pub(super) fn has_room(&self) -> bool {
        let bound = self.bound.max(CHUNK_BYTES);
        // The tail gives way only once what is before it is stored.
        let stuck = self.waiting() > 0 && self.held >= 2 * bound;
        self.waiting() < as_u64(bound) && !stuck
    }

    pub(super) fn stored(&mut self, offset: u64) {
        self.stored = self.stored.max(offset);
        self.evict();
    }

    pub(super) fn batch(&mut self, all: bool, budget: usize) -> Vec<Chunk> {
        if all || self.open.since.elapsed() >= CHUNK_AGE {
            self.seal();
        }
        let mut size = 0;
        let first = self
            .chunks
            .partition_point(|chunk| chunk.first_offset < self.stored);
        let wanted = self.chunks.iter().skip(first).take_while(|chunk| {
            size += chunk.frames.len();
            !self.is_tail(chunk) && size <= budget.max(chunk.frames.len())
        });
        wanted.map(|chunk| Chunk::clone(chunk)).collect()
    }

    /// The gap and the tail, once the head is stored; nothing when the log is within its limit.
    pub(super) fn tail(&mut self) -> Vec<Chunk> {
        self.seal();
        let Some(tail) = self.tail else {
            return Vec::new();
        };
        let kept: Vec<Chunk> = self
            .chunks
            .iter()
            .filter(|chunk| self.is_tail(chunk) && chunk.first_offset >= self.stored)
            .map(|chunk| Chunk::clone(chunk))
            .collect();
        let begin = kept.first().map_or(self.offset, |chunk| chunk.first_offset);
        let from = tail.offset.max(self.stored);
        let mut chunks = Vec::new();
        if begin > from {
            let mut frames = Vec::new();
            let record = Record::Gap {
                at: tail.at,
                length: begin - from,
            };
            log::encode(record, &mut frames);
            chunks.push(Chunk {
                first_offset: from,
                length: begin - from,
                first_line: tail.line,
                at: tail.at,
                frames,
                mark: None,
            });
        }
        chunks.extend(kept);
        chunks
    }

    /// Whether there is something after `offset`, less than a few lines, and its end is within a line.
    pub(super) fn ends_within_a_line(&self, offset: u64) -> bool {
        self.within_a_line && offset < self.offset && self.offset - offset < as_u64(CHUNK_BYTES) / 8
    }

    pub(super) fn read(&mut self, offset: u64, budget: u64) -> View {
        if offset >= self.offset {
            return View::Nothing;
        }
        let memory = self
            .chunks
            .front()
            .map_or(self.open.chunk.first_offset, |chunk| chunk.first_offset);
        if offset < memory {
            return match self.tail {
                Some(tail) if offset >= tail.offset => View::Gap {
                    at: tail.at,
                    until: memory,
                },
                Some(tail) => View::Stored {
                    until: memory.min(tail.offset),
                },
                None => View::Stored { until: memory },
            };
        }
        let mut found = Vec::new();
        let mut size = 0;
        let first = self.chunks.partition_point(|chunk| end_of(chunk) <= offset);
        for chunk in self.chunks.iter().skip(first) {
            found.push(Arc::clone(chunk));
            size += chunk.length;
            if size >= budget {
                return View::Chunks(found);
            }
        }
        if !self.open.chunk.frames.is_empty() && end_of(&self.open.chunk) > offset {
            let open = &self.open.chunk;
            let given = self.given.get_or_insert_with(|| Arc::new(open.clone()));
            found.push(Arc::clone(given));
        }
        View::Chunks(found)
    }
}
