//! The lines of a log, compactly: the bytes of many lines in one block, and 16
//! bytes for each line's place, time and stream. No string is made of a line
//! before it is seen.
//!
//! Frames may be cut anywhere. Each stream has its own unfinished line, so
//! that standard output and standard error never mix within a row. A carriage
//! return starts its row again. Rows are counted by ids that stay as they are
//! when the oldest are dropped.

mod block;
mod line;
mod system;
#[cfg(test)]
mod tests;

use super::ansi::Style;
use block::Block;
use line::OpenLine;
use memchr::memchr2;
use model::{LogEnd, LogStream, Millis, time::byte_words};
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use system::Waiting;

/// Longer lines are broken into several rows, near this many bytes.
pub const MAX_ROW_BYTES: usize = 4096;
/// What a store may take of the browser's memory, in bytes.
pub const MAX_STORE_BYTES: usize = 192 << 20;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// A line of standard output.
    Stdout,
    /// A line of standard error.
    Stderr,
    /// Our own words.
    System,
    /// Bytes that were not kept.
    Gap,
}

/// A row, as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its bytes, control sequences included, without a line break.
    pub text: &'a [u8],
    /// When it began, or was last overwritten.
    pub at: Millis,
    /// What it is.
    pub kind: RowKind,
    /// Whether it goes on where the row before of its stream was broken.
    pub continues: bool,
    /// How its first character looks: a colour may reach over several lines.
    pub style: Style,
}

/// The rows of one log.
#[derive(Debug)]
pub struct LogStore {
    blocks: VecDeque<Block>,
    /// The id of the first row kept.
    first: i64,
    /// The id the next finished row gets.
    next: i64,
    stdout: OpenLine,
    stderr: OpenLine,
    waiting: Waiting,
    /// Bytes of the log so far: the offset of the next one.
    offset: u64,
    lines: u64,
    gaps: u64,
    /// Of every byte that came, whether or not its row is still held.
    hash: Sha256,
    /// Bytes of memory taken by the blocks.
    taken: usize,
    limit: usize,
    dropped: Option<String>,
    dropped_rows: u64,
    insertions: u64,
    stderr_rows: u64,
}

impl Default for LogStore {
    fn default() -> Self {
        Self::with_limit(MAX_STORE_BYTES)
    }
}

impl LogStore {
    /// An empty store that takes about `limit` bytes of memory at most.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            blocks: VecDeque::new(),
            first: 0,
            next: 0,
            stdout: OpenLine::default(),
            stderr: OpenLine::default(),
            waiting: Waiting::default(),
            offset: 0,
            lines: 0,
            gaps: 0,
            hash: Sha256::new(),
            taken: 0,
            limit,
            dropped: None,
            dropped_rows: 0,
            insertions: 0,
            stderr_rows: 0,
        }
    }

    /// Takes bytes of a stream that begin at `offset` of the log. What is
    /// there already is left out.
    pub fn push(&mut self, offset: u64, at: Millis, stream: LogStream, bytes: &[u8]) {
        let seen = usize::try_from(self.offset.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut rest = bytes.get(seen..).unwrap_or_default();
        self.offset = self.offset.max(offset);
        self.hash.update(rest);
        while !rest.is_empty() {
            self.place_waiting();
            let until = self.waiting.bytes_until(self.offset).unwrap_or(rest.len());
            let (now, later) = rest.split_at(until.min(rest.len()));
            self.push_between(at, stream, now);
            rest = later;
        }
        self.place_waiting();
    }

    /// Takes a gap of `bytes` that begins at `offset`.
    pub fn push_gap(&mut self, offset: u64, at: Millis, bytes: u64) {
        let end = offset.saturating_add(bytes);
        if end <= self.offset {
            return;
        }
        let missing = end - self.offset.max(offset);
        self.gaps += missing;
        self.offset = end;
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            self.finish_line(stream);
        }
        let text = format!("{} of output were not kept", byte_words(missing));
        self.push_row(text.as_bytes(), at, RowKind::Gap, false, Style::default());
        self.place_waiting();
    }

    /// Takes our own words that belong where the log had `offset` bytes.
    pub fn push_system(&mut self, offset: u64, at: Millis, text: &str) {
        if offset > self.offset {
            self.waiting.add(offset, at, text);
        } else {
            self.insert_system(offset, at, text);
        }
    }

    /// Takes the end of the log, and says so in a row when what was counted
    /// here is another.
    pub fn push_end(&mut self, at: Millis, end: &LogEnd) {
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            self.finish_line(stream);
        }
        for (offset, at, text) in self.waiting.take_all() {
            self.insert_system(offset, at, &text);
        }
        // With a gap, lines and bytes are missing that the end record counts.
        let whole = self.gaps == 0;
        let lines_differ = whole && end.lines != self.lines;
        if end.bytes == self.offset && !lines_differ && whole && self.differs(&end.sha256) {
            let text = "This log is not what was stored: as many bytes arrived, and others. Reload the page to read it again.";
            self.push_row(text.as_bytes(), at, RowKind::Gap, false, Style::default());
        }
        if end.bytes != self.offset || lines_differ {
            let text = format!(
                "This log is not complete here: {} bytes and {} lines arrived of {} and {}. Reload the page to read it again.",
                self.offset, self.lines, end.bytes, end.lines
            );
            self.push_row(text.as_bytes(), at, RowKind::Gap, false, Style::default());
        }
    }

    /// Whether what came has another hash than this, in hexadecimal; an old log may have none.
    fn differs(&self, sha256: &str) -> bool {
        use std::fmt::Write as _;
        let mut hash = String::with_capacity(64);
        for byte in self.hash.clone().finalize() {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        !sha256.is_empty() && hash != sha256
    }

    /// The offset of the next byte of the log.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The id of the first row; a notice when older ones were dropped.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.first - i64::from(self.dropped.is_some())
    }

    /// The id after the last finished row. Unfinished lines have the ids from here on.
    #[must_use]
    pub const fn finished(&self) -> i64 {
        self.next
    }

    /// The id after the last row.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.next + i64::from(self.stdout.is_shown()) + i64::from(self.stderr.is_shown())
    }

    /// Counts the rows put between others: when it changes, ids have moved.
    #[must_use]
    pub const fn insertions(&self) -> u64 {
        self.insertions
    }

    /// How many rows of standard error there were.
    #[must_use]
    pub const fn stderr_rows(&self) -> u64 {
        self.stderr_rows
    }

    /// The row of this id.
    #[must_use]
    pub fn row(&self, id: i64) -> Option<Row<'_>> {
        if id >= self.next {
            return self.open_row(id - self.next);
        }
        if id < self.first {
            let text = self.dropped.as_ref().filter(|_| id == self.first - 1)?;
            let at = self.blocks.front().map_or(Millis(0), Block::start);
            return Some(Row {
                text: text.as_bytes(),
                at,
                kind: RowKind::Gap,
                continues: false,
                style: Style::default(),
            });
        }
        let place = self.blocks.partition_point(|block| block.end() <= id);
        self.blocks.get(place)?.row(id)
    }

    /// The finished rows from `from` on, in order.
    pub fn rows_from(&self, from: i64) -> impl Iterator<Item = (i64, Row<'_>)> {
        let place = self.blocks.partition_point(|block| block.end() <= from);
        self.blocks
            .iter()
            .skip(place)
            .flat_map(move |block| block.rows_from(from))
    }

    fn open_row(&self, place: i64) -> Option<Row<'_>> {
        let mut open = [self.stdout.row(RowKind::Stdout), self.stderr.row(RowKind::Stderr)];
        if let [Some(out), Some(err)] = open
            && err.at < out.at
        {
            open.swap(0, 1);
        }
        open.into_iter().flatten().nth(usize::try_from(place).ok()?)
    }

    /// Bytes with no system row between them.
    fn push_between(&mut self, at: Millis, stream: LogStream, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let special = memchr2(b'\n', b'\r', bytes);
            let (text, rest) = bytes.split_at(special.unwrap_or(bytes.len()));
            // The usual case: a whole line at once, copied once.
            if special.is_some_and(|place| bytes[place] == b'\n')
                && text.len() <= MAX_ROW_BYTES
                && !self.line(stream).is_begun()
            {
                let style = self.line(stream).carry(text);
                self.offset += text.len() as u64 + 1;
                self.lines += 1;
                self.push_row(text, at, kind_of(stream), false, style);
                bytes = &rest[1..];
                continue;
            }
            let mut text = text;
            while !text.is_empty() {
                let taken = self.line(stream).add(text, at);
                self.offset += taken as u64;
                text = &text[taken..];
                if self.line(stream).is_full() {
                    self.break_line(stream);
                }
            }
            match rest.first() {
                Some(b'\n') => {
                    self.offset += 1;
                    self.lines += 1;
                    self.line(stream).begin(at);
                    self.finish_line(stream);
                }
                Some(_) => {
                    self.offset += 1;
                    self.line(stream).carriage_return();
                }
                None => {}
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
    }

    fn line(&mut self, stream: LogStream) -> &mut OpenLine {
        match stream {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr => &mut self.stderr,
        }
    }

    fn finish_line(&mut self, stream: LogStream) {
        let mut line = std::mem::take(self.line(stream));
        if let Some(row) = line.row_when_finished(kind_of(stream)) {
            self.push_row(row.text, row.at, row.kind, row.continues, row.style);
        }
        line.reset();
        *self.line(stream) = line;
    }

    fn break_line(&mut self, stream: LogStream) {
        let mut line = std::mem::take(self.line(stream));
        let cut = line.cut_place();
        if let Some(row) = line.row(kind_of(stream)) {
            self.push_row(&row.text[..cut], row.at, row.kind, row.continues, row.style);
        }
        line.drop_first(cut);
        *self.line(stream) = line;
    }

    fn push_row(&mut self, text: &[u8], at: Millis, kind: RowKind, continues: bool, style: Style) {
        self.push_row_of(self.offset, text, at, kind, continues, style);
    }

    /// Adds a row at the end that belongs where the log had `offset` bytes.
    fn push_row_of(
        &mut self,
        offset: u64,
        text: &[u8],
        at: Millis,
        kind: RowKind,
        continues: bool,
        style: Style,
    ) {
        let fits = self
            .blocks
            .back()
            .is_some_and(|block| block.has_room(text.len(), at));
        if !fits {
            self.drop_oldest();
            let after = self.blocks.back().map_or(0, Block::last_offset);
            self.blocks.push_back(Block::new(self.next, at, after));
        }
        let Some(block) = self.blocks.back_mut() else {
            return;
        };
        let before = block.memory();
        block.push(text, at, kind, continues, style, offset);
        self.taken += block.memory() - before;
        self.next += 1;
        self.stderr_rows += u64::from(kind == RowKind::Stderr);
    }

    fn drop_oldest(&mut self) {
        while self.taken > self.limit
            && self.blocks.len() > 1
            && let Some(block) = self.blocks.pop_front()
        {
            self.taken -= block.memory();
            self.dropped_rows += u64::try_from(block.end() - self.first).unwrap_or_default();
            self.first = block.end();
            self.dropped = Some(format!(
                "The first {} lines are no longer held in this tab; the download has all",
                model::time::count_words(self.dropped_rows)
            ));
        }
    }
}

const fn kind_of(stream: LogStream) -> RowKind {
    match stream {
        LogStream::Stdout => RowKind::Stdout,
        LogStream::Stderr => RowKind::Stderr,
    }
}
