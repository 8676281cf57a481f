//! The line a stream has begun and not ended yet.

use super::{MAX_ROW_BYTES, Row, RowKind};
use crate::log::ansi::{self, Style};
use model::Millis;

/// A line is broken when it is this much over the limit, so that the place of
/// the break depends on its bytes alone and not on how they arrived.
const SLACK: usize = 64;

#[derive(Debug, Default)]
pub(super) struct OpenLine {
    text: Vec<u8>,
    at: Option<Millis>,
    /// How the row's first character looks.
    style: Style,
    continues: bool,
    /// A carriage return came: what follows overwrites the row, unless it is a line break.
    returned: bool,
}

impl OpenLine {
    /// Whether something of it has come.
    pub(super) const fn is_begun(&self) -> bool {
        self.at.is_some()
    }

    /// The style a whole line begins in; the line's own changes are kept for the next.
    pub(super) fn carry(&mut self, text: &[u8]) -> Style {
        let begins = self.style;
        self.style = ansi::style_after(begins, text);
        begins
    }

    pub(super) fn begin(&mut self, at: Millis) {
        self.at.get_or_insert(at);
    }

    /// Takes the first of `text`, and says how many bytes.
    pub(super) fn add(&mut self, text: &[u8], at: Millis) -> usize {
        self.begin(at);
        if std::mem::take(&mut self.returned) {
            self.style = ansi::style_after(self.style, &self.text);
            self.text.clear();
            self.at = Some(at);
        }
        let taken = text.len().min(MAX_ROW_BYTES + SLACK - self.text.len());
        self.text.extend_from_slice(&text[..taken]);
        taken
    }

    pub(super) fn carriage_return(&mut self) {
        self.returned = self.at.is_some();
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= MAX_ROW_BYTES + SLACK
    }

    /// Where a full line is broken: not inside a character or a control sequence.
    pub(super) fn cut_place(&self) -> usize {
        let window = &self.text[..MAX_ROW_BYTES];
        let start = MAX_ROW_BYTES - SLACK;
        if let Some(escape) = window[start..].iter().rposition(|byte| *byte == 0x1b) {
            let sequence = &self.text[start + escape..];
            let ended = sequence
                .iter()
                .skip(2)
                .position(|byte| byte.is_ascii_alphabetic() || *byte == 7 || *byte == b'\\');
            if ended.is_none_or(|ended| start + escape + ended + 3 > MAX_ROW_BYTES) {
                return start + escape;
            }
        }
        (MAX_ROW_BYTES - 3..=MAX_ROW_BYTES)
            .rev()
            .find(|place| !matches!(self.text.get(*place), Some(0x80..=0xbf)))
            .unwrap_or(MAX_ROW_BYTES)
    }

    pub(super) fn drop_first(&mut self, cut: usize) {
        self.style = ansi::style_after(self.style, &self.text[..cut]);
        self.text.drain(..cut);
        self.continues = true;
    }

    /// Forgets the line; its style goes on into the next.
    pub(super) fn reset(&mut self) {
        self.style = ansi::style_after(self.style, &self.text);
        self.text.clear();
        self.at = None;
        self.continues = false;
        self.returned = false;
    }

    /// Whether there is something to see before the line ends.
    pub(super) fn is_shown(&self) -> bool {
        !self.text.is_empty()
    }

    pub(super) fn row(&self, kind: RowKind) -> Option<Row<'_>> {
        self.row_when_finished(kind).filter(|_| self.is_shown())
    }

    /// The row, an empty one included; none when nothing of a line has come.
    pub(super) fn row_when_finished(&self, kind: RowKind) -> Option<Row<'_>> {
        let at = self.at?;
        if self.text.is_empty() && self.continues {
            return None;
        }
        Some(Row {
            text: &self.text,
            at,
            kind,
            continues: self.continues,
            style: self.style,
        })
    }
}
