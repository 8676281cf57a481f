//! A stream as one encoding shows it, and the place of an automaton in it.

use super::{
    Masks,
    automaton::{Automaton, State},
    units::{self, Unit},
};

/// How many characters of base64 or hexadecimal stand on a line before it may go on in the next one.
pub(super) const WRAPPED_AFTER: usize = 16;
/// How many bytes before a line break tell whether it is inside of such lines.
pub(super) const LOOK_BACK: u64 = WRAPPED_AFTER as u64 + 1;

/// What a view undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Backslash,
    Percent,
    Markup,
    Base64,
    Hex,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Plain,
        Self::Backslash,
        Self::Percent,
        Self::Markup,
        Self::Base64,
        Self::Hex,
    ];

    fn automaton(self, masks: &Masks) -> &Automaton {
        match self {
            Self::Plain | Self::Backslash | Self::Percent | Self::Markup => &masks.text,
            Self::Base64 => &masks.base64,
            Self::Hex => &masks.hex,
        }
    }

    /// The byte that begins an escape.
    pub(super) const fn escape(self) -> Option<u8> {
        match self {
            Self::Backslash => Some(b'\\'),
            Self::Percent => Some(b'%'),
            Self::Markup => Some(b'&'),
            Self::Plain | Self::Base64 | Self::Hex => None,
        }
    }

    /// Reads one unit of those that begin with an escape, or end in the middle of one.
    fn unit(self, bytes: &[u8], last: bool) -> Unit {
        match self {
            Self::Percent => units::percent(bytes, last),
            Self::Markup => units::markup(bytes, last),
            _ => units::backslash(bytes, last),
        }
    }

    const fn is_wrapped(self) -> bool {
        matches!(self, Self::Base64 | Self::Hex)
    }

    /// The symbol of a byte, in a view that knows no escapes.
    pub(super) fn symbol(self, byte: u8) -> Option<u8> {
        match (self, byte) {
            (Self::Base64, b'-') => Some(b'+'),
            (Self::Base64, b'_') => Some(b'/'),
            (Self::Base64, b'+' | b'/' | b'=') => Some(byte),
            (Self::Base64, _) => byte.is_ascii_alphanumeric().then_some(byte),
            (Self::Hex, _) => byte.is_ascii_hexdigit().then(|| byte.to_ascii_lowercase()),
            _ => Some(byte),
        }
    }
}

/// Bytes that are part of a form: from the first to the one after the last.
pub(super) type Span = (u64, u64);

/// Bytes of a stream, and where the first of them stands in it.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) begin: u64,
}

impl Window<'_> {
    pub(super) fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.begin)).unwrap_or(usize::MAX)
    }
}

/// One view of one stream.
pub(super) struct View {
    kind: Kind,
    state: State,
    /// Where each of the last symbols begins in the stream; a ring.
    starts: Vec<u64>,
    symbols: usize,
    /// An escape that is not finished, and where it begins.
    unit: Vec<u8>,
    unit_at: u64,
    /// Where the next byte stands.
    offset: u64,
}

impl View {
    /// One that begins at `offset`.
    pub(super) fn new(kind: Kind, masks: &Masks, offset: u64) -> Self {
        let automaton = kind.automaton(masks);
        Self {
            kind,
            state: automaton.start(),
            starts: vec![0; (automaton.longest() + 1).next_power_of_two()],
            symbols: 0,
            unit: Vec::with_capacity(units::LONGEST + 1),
            unit_at: 0,
            offset,
        }
    }

    /// Forgets what it has seen: what follows at `offset` is another text.
    pub(super) fn restart(&mut self, masks: &Masks, offset: u64) {
        self.state = self.kind.automaton(masks).start();
        self.unit.clear();
        self.offset = offset;
    }

    /// Reads the bytes of the window that it has not read, and adds the forms that end in them.
    pub(super) fn read(&mut self, masks: &Masks, window: Window<'_>, found: &mut Vec<Span>) {
        let automaton = self.kind.automaton(masks);
        let start = automaton.start();
        while self.offset < window.end() {
            let from = window.index(self.offset);
            if self.state == start && self.unit.is_empty() {
                let asleep = masks.wakes[self.kind as usize].asleep(&window.bytes[from..]);
                if asleep > 0 {
                    self.offset += asleep as u64;
                    continue;
                }
            }
            let byte = window.bytes[from];
            let at = self.offset;
            self.offset += 1;
            if self.kind.escape().is_none() {
                match self.kind.symbol(byte) {
                    Some(symbol) => self.step(automaton, symbol, (at, at + 1), found),
                    None if self.kind.is_wrapped() && is_inner_break(self.kind, window, from) => {}
                    None => self.state = start,
                }
            } else if self.unit.is_empty() && self.kind.escape() != Some(byte) {
                self.step(automaton, byte, (at, at + 1), found);
            } else {
                if self.unit.is_empty() {
                    self.unit_at = at;
                }
                self.unit.push(byte);
                self.take_units(automaton, false, found);
            }
        }
    }

    /// The stream has ended: an escape that is not finished is what it is.
    pub(super) fn finish(&mut self, masks: &Masks, found: &mut Vec<Span>) {
        self.take_units(self.kind.automaton(masks), true, found);
    }

    fn take_units(&mut self, automaton: &Automaton, last: bool, found: &mut Vec<Span>) {
        while !self.unit.is_empty() {
            let Unit::Whole { used, bytes } = self.kind.unit(&self.unit, last) else {
                return;
            };
            let until = self.unit_at + used as u64;
            for symbol in bytes.as_slice() {
                self.step(automaton, *symbol, (self.unit_at, until), found);
            }
            self.unit.drain(..used);
            self.unit_at = until;
        }
    }

    #[inline]
    fn step(&mut self, automaton: &Automaton, symbol: u8, (from, to): Span, found: &mut Vec<Span>) {
        self.state = automaton.next(self.state, symbol);
        let mask = self.starts.len() - 1;
        self.starts[self.symbols & mask] = from;
        self.symbols = self.symbols.wrapping_add(1);
        if let Some(length) = automaton.found(self.state) {
            let begin = self.starts[self.symbols.wrapping_sub(length) & mask];
            match found.last_mut() {
                // One form after the other, each a byte further: one span.
                Some(last) if last.0 <= begin && begin <= last.1 && last.1 <= to => last.1 = to,
                _ => found.push((begin, to)),
            }
        }
    }

    /// From where on the bytes before may still become part of a form.
    pub(super) fn held_from(&self, masks: &Masks) -> u64 {
        let depth = self.kind.automaton(masks).depth(self.state);
        let unit = if self.unit.is_empty() {
            self.offset
        } else {
            self.unit_at
        };
        if depth == 0 {
            return unit;
        }
        self.starts[self.symbols.wrapping_sub(depth) & (self.starts.len() - 1)]
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
