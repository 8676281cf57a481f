//! Our own rows, which belong to a place in the log. They arrive apart from
//! the program's output: before the bytes of their place, or after them.

use super::{Block, LogStore, RowKind};
use crate::log::ansi::Style;
use model::Millis;
use std::collections::BTreeMap;

/// Rows whose place in the log has not been reached, in order.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<u64, Vec<(Millis, String)>>);

impl Waiting {
    pub(super) fn add(&mut self, offset: u64, at: Millis, text: &str) {
        self.0.entry(offset).or_default().push((at, text.to_owned()));
    }

    /// How many bytes there are from `offset` to the next one's place.
    pub(super) fn bytes_until(&self, offset: u64) -> Option<usize> {
        let (next, _) = self.0.first_key_value()?;
        usize::try_from(next.saturating_sub(offset)).ok()
    }

    fn take_until(&mut self, offset: u64) -> BTreeMap<u64, Vec<(Millis, String)>> {
        if self.0.first_key_value().is_none_or(|(next, _)| *next > offset) {
            return BTreeMap::new();
        }
        let later = self.0.split_off(&(offset + 1));
        std::mem::replace(&mut self.0, later)
    }

    pub(super) fn take_all(&mut self) -> Vec<(u64, Millis, String)> {
        std::mem::take(&mut self.0)
            .into_iter()
            .flat_map(|(offset, rows)| rows.into_iter().map(move |(at, text)| (offset, at, text)))
            .collect()
    }
}

impl LogStore {
    /// Places the rows whose place has been reached.
    pub(super) fn place_waiting(&mut self) {
        for (offset, rows) in self.waiting.take_until(self.offset) {
            for (at, text) in rows {
                self.push_row_of(
                    offset,
                    text.as_bytes(),
                    at,
                    RowKind::System,
                    false,
                    Style::default(),
                );
            }
        }
    }

    /// Places a row whose place may have been passed: before the first row
    /// that was finished later.
    pub(super) fn insert_system(&mut self, offset: u64, at: Millis, text: &str) {
        let place = self.blocks.partition_point(|block| block.last_offset() <= offset);
        if place >= self.blocks.len() {
            self.push_row_of(
                offset,
                text.as_bytes(),
                at,
                RowKind::System,
                false,
                Style::default(),
            );
            return;
        }
        let before = self.blocks[place].memory();
        self.blocks[place].insert_system(offset, at, text.as_bytes());
        self.taken += self.blocks[place].memory() - before;
        for later in self.blocks.range_mut(place + 1..) {
            let first = Block::first(later) + 1;
            later.renumber(first);
        }
        self.next += 1;
        self.insertions += 1;
    }
}
