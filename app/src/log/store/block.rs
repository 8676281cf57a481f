//! Many rows in two allocations: their bytes, and a record of 16 bytes each.

use super::{Row, RowKind};
use crate::log::ansi::Style;
use model::Millis;

/// A block takes rows until it has this many bytes of text.
const BLOCK_BYTES: usize = 256 << 10;
/// …or this many rows: a log of empty lines must be dropped in pieces too.
const BLOCK_ROWS: usize = 32 << 10;

#[derive(Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    records: Vec<Record>,
    /// Rows that do not begin in the default style, by their place in the block.
    styles: Vec<(usize, Style)>,
    first: i64,
    start: Millis,
    offset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    /// Where the text ends in `bytes`; it starts where the one before ends.
    end: u32,
    /// Milliseconds after the block's start; rows of another stream may be older.
    at: i32,
    /// Bytes of the log when the row was finished, less the block's.
    offset: u32,
    kind: RowKind,
    continues: bool,
}

impl Block {
    pub(super) fn new(first: i64, start: Millis, offset: u64) -> Self {
        Self {
            bytes: Vec::new(),
            records: Vec::new(),
            styles: Vec::new(),
            first,
            start,
            offset,
        }
    }

    pub(super) fn has_room(&self, bytes: usize, at: Millis) -> bool {
        self.bytes.len() + bytes <= BLOCK_BYTES
            && self.records.len() < BLOCK_ROWS
            && i32::try_from(at.0.saturating_sub(self.start.0)).is_ok()
    }

    pub(super) fn push(
        &mut self,
        text: &[u8],
        at: Millis,
        kind: RowKind,
        continues: bool,
        style: Style,
        offset: u64,
    ) {
        self.insert(self.records.len(), text, at, kind, continues, style, offset);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a row's fields, which nothing else groups"
    )]
    fn insert(
        &mut self,
        place: usize,
        text: &[u8],
        at: Millis,
        kind: RowKind,
        continues: bool,
        style: Style,
        offset: u64,
    ) {
        let start = self.text_start(place);
        // Texts are short and blocks small: both are far below 4 GiB.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let record = Record {
            end: u32::try_from(start).unwrap_or(u32::MAX).saturating_add(length),
            at: i32::try_from(at.0.saturating_sub(self.start.0)).unwrap_or_default(),
            offset: u32::try_from(offset.saturating_sub(self.offset)).unwrap_or(u32::MAX),
            kind,
            continues,
        };
        if place == self.records.len() {
            self.bytes.extend_from_slice(text);
        } else {
            self.bytes.splice(start..start, text.iter().copied());
            for later in &mut self.records[place..] {
                later.end = later.end.saturating_add(length);
            }
            for (row, _) in &mut self.styles {
                *row += usize::from(*row >= place);
            }
        }
        self.records.insert(place, record);
        if style != Style::default() {
            let sorted = self.styles.partition_point(|(row, _)| *row < place);
            self.styles.insert(sorted, (place, style));
        }
    }

    /// Puts one of our own rows where the log had `offset` bytes.
    pub(super) fn insert_system(&mut self, offset: u64, at: Millis, text: &[u8]) {
        let place = self
            .records
            .partition_point(|record| self.offset + u64::from(record.offset) <= offset);
        self.insert(place, text, at, RowKind::System, false, Style::default(), offset);
    }

    /// The offset after its last row.
    pub(super) fn last_offset(&self) -> u64 {
        self.offset + self.records.last().map_or(0, |record| u64::from(record.offset))
    }

    pub(super) fn renumber(&mut self, first: i64) {
        self.first = first;
    }

    pub(super) const fn first(&self) -> i64 {
        self.first
    }

    pub(super) const fn start(&self) -> Millis {
        self.start
    }

    pub(super) fn end(&self) -> i64 {
        self.first + i64::try_from(self.records.len()).unwrap_or(i64::MAX)
    }

    /// Bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.records.capacity() * size_of::<Record>()
    }

    pub(super) fn row(&self, id: i64) -> Option<Row<'_>> {
        let place = usize::try_from(id - self.first).ok()?;
        let record = self.records.get(place)?;
        Some(Row {
            text: self.bytes.get(self.text_start(place)..record.end as usize)?,
            at: Millis(self.start.0 + i64::from(record.at)),
            kind: record.kind,
            continues: record.continues,
            style: self
                .styles
                .binary_search_by_key(&place, |(row, _)| *row)
                .map_or_else(|_| Style::default(), |found| self.styles[found].1),
        })
    }

    pub(super) fn rows_from(&self, from: i64) -> impl Iterator<Item = (i64, Row<'_>)> {
        (self.first.max(from)..self.end()).filter_map(|id| Some((id, self.row(id)?)))
    }

    fn text_start(&self, place: usize) -> usize {
        place
            .checked_sub(1)
            .and_then(|before| self.records.get(before))
            .map_or(0, |record| record.end as usize)
    }
}
