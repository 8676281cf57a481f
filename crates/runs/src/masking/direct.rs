//! A view that knows no escapes: the stream as it is, as base64, as hexadecimal.

use super::{
    Masks,
    automaton::{Automaton, State},
    views::{Kind, LOOK_BACK, Span, WRAPPED_AFTER, Window, add},
};

/// One such view of one stream.
pub(super) struct Direct {
    kind: Kind,
    state: State,
    /// Where each of the last symbols stands in the stream; a ring.
    starts: Vec<u64>,
    symbols: usize,
    /// Where the next byte stands.
    offset: u64,
}

impl Direct {
    /// One that begins at `offset`.
    pub(super) fn new(kind: Kind, masks: &Masks, offset: u64) -> Self {
        let automaton = kind.automaton(masks);
        Self {
            kind,
            state: automaton.start(),
            starts: vec![0; (automaton.longest() + 1).next_power_of_two()],
            symbols: 0,
            offset,
        }
    }

    /// Forgets what it has seen: what follows at `offset` is another text.
    pub(super) fn restart(&mut self, masks: &Masks, offset: u64) {
        self.state = self.kind.automaton(masks).start();
        self.offset = offset;
    }

    /// Reads the bytes of the window that it has not read, and adds the forms that end in them.
    pub(super) fn read(&mut self, masks: &Masks, window: Window<'_>, found: &mut Vec<Span>) {
        let automaton = self.kind.automaton(masks);
        let start = automaton.start();
        while self.offset < window.end() {
            let from = window.index(self.offset);
            if self.state == start {
                let asleep = masks.wakes[self.kind as usize].asleep(&window.bytes[from..]);
                if asleep > 0 {
                    self.offset += asleep as u64;
                    continue;
                }
            }
            let at = self.offset;
            self.offset += 1;
            match self.kind.symbol(window.bytes[from]) {
                Some(symbol) => self.step(automaton, symbol, at, found),
                None if self.kind.is_wrapped() && is_inner_break(self.kind, window, from) => {}
                None => self.state = start,
            }
        }
    }

    #[inline]
    fn step(&mut self, automaton: &Automaton, symbol: u8, at: u64, found: &mut Vec<Span>) {
        self.state = automaton.next(self.state, symbol);
        let mask = self.starts.len() - 1;
        self.starts[self.symbols & mask] = at;
        self.symbols = self.symbols.wrapping_add(1);
        if let Some(length) = automaton.found(self.state) {
            add(
                found,
                (self.starts[self.symbols.wrapping_sub(length) & mask], at + 1),
            );
        }
    }

    /// From where on the bytes before may still become part of a form.
    pub(super) fn held_from(&self, masks: &Masks) -> u64 {
        match self.kind.automaton(masks).depth(self.state) {
            0 => self.offset,
            depth => self.starts[self.symbols.wrapping_sub(depth) & (self.starts.len() - 1)],
        }
    }

    /// From where on it has to read to come to the place where it is.
    pub(super) fn read_from(&self, masks: &Masks) -> u64 {
        let from = self.held_from(masks);
        if self.kind.is_wrapped() {
            from.saturating_sub(LOOK_BACK)
        } else {
            from
        }
    }
}

/// Whether the byte at `index` is a line break in the middle of wrapped lines.
fn is_inner_break(kind: Kind, window: Window<'_>, index: usize) -> bool {
    let before = &window.bytes[..index];
    let line = match window.bytes[index] {
        b'\r' => before,
        b'\n' => before.strip_suffix(b"\r").unwrap_or(before),
        _ => return false,
    };
    line.len() >= WRAPPED_AFTER
        && line[line.len() - WRAPPED_AFTER..]
            .iter()
            .all(|byte| kind.symbol(*byte).is_some())
}
