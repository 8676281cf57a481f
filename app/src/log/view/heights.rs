//! How high rows are when long lines are wrapped: a sum of visual lines up to
//! each row, by the number of columns that fit. An estimate where characters
//! are wider than others; the rows themselves are laid out by the browser.

use crate::log::{ansi, store::Row};

/// The visual lines of the rows shown, by their place among them.
#[derive(Debug)]
pub struct Heights {
    columns: usize,
    /// Visual lines up to and with each row.
    sums: Vec<u32>,
}

impl Heights {
    /// No rows yet; `columns` fit side by side.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            columns: columns.max(1),
            sums: Vec::new(),
        }
    }

    /// How many rows were added.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sums.len()
    }

    /// Adds the next row.
    pub fn add(&mut self, row: &Row<'_>) {
        let characters = if row.text.is_ascii() && memchr::memchr2(0x1b, b'\t', row.text).is_none() {
            row.text.len()
        } else {
            ansi::plain(row.text)
                .chars()
                .map(|c| if c == '\t' { 4 } else { 1 })
                .sum()
        };
        let lines = characters.div_ceil(self.columns).max(1);
        let before = self.sums.last().copied().unwrap_or(0);
        self.sums
            .push(before.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)));
    }

    /// Forgets the rows from this place on.
    pub fn truncate(&mut self, place: usize) {
        self.sums.truncate(place);
    }

    /// Visual lines before the row at this place.
    #[must_use]
    pub fn before(&self, place: usize) -> u32 {
        let last = place.min(self.sums.len());
        last.checked_sub(1).map_or(0, |last| self.sums[last])
    }

    /// The place of the row that has this visual line.
    #[must_use]
    pub fn place_of(&self, line: u32) -> usize {
        self.sums.partition_point(|sum| *sum <= line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{ansi::Style, store::RowKind};
    use model::Millis;

    #[test]
    fn long_rows_take_several_lines() {
        let mut heights = Heights::new(10);
        for text in [
            "",
            "0123456789",
            "0123456789a",
            "\x1b[31m0123\x1b[0m",
            "\u{e9}\u{e9}\u{e9}",
        ] {
            let row = Row {
                text: text.as_bytes(),
                at: Millis(0),
                kind: RowKind::Stdout,
                continues: false,
                style: Style::default(),
            };
            heights.add(&row);
        }
        assert_eq!(
            (0..=5).map(|place| heights.before(place)).collect::<Vec<_>>(),
            [0, 1, 2, 4, 5, 6]
        );
        assert_eq!(
            (0..6).map(|line| heights.place_of(line)).collect::<Vec<_>>(),
            [0, 1, 2, 2, 3, 4]
        );
        heights.truncate(2);
        assert_eq!(heights.count(), 2);
    }
}
