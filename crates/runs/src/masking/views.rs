//! A stream as one encoding shows it.

use super::{
    Masks,
    automaton::Automaton,
    direct::Direct,
    escaped::Escaped,
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

    pub(super) fn automaton(self, masks: &Masks) -> &Automaton {
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
    pub(super) fn unit(self, bytes: &[u8], last: bool) -> Unit {
        match self {
            Self::Percent => units::percent(bytes, last),
            Self::Markup => units::markup(bytes, last),
            _ => units::backslash(bytes, last),
        }
    }

    pub(super) const fn is_wrapped(self) -> bool {
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

    pub(super) fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.begin)).unwrap_or(usize::MAX)
    }
}

/// Adds a form that was found: one after the other, each a byte further, is one span.
pub(super) fn add(found: &mut Vec<Span>, (begin, to): Span) {
    match found.last_mut() {
        Some(last) if last.0 <= begin && begin <= last.1 && last.1 <= to => last.1 = to,
        _ => found.push((begin, to)),
    }
}

/// One view of one stream.
pub(super) enum View {
    Direct(Direct),
    Escaped(Escaped),
}

impl View {
    /// One that begins at `offset`.
    pub(super) fn new(kind: Kind, masks: &Masks, offset: u64) -> Self {
        if kind.escape().is_some() {
            Self::Escaped(Escaped::new(kind, offset))
        } else {
            Self::Direct(Direct::new(kind, masks, offset))
        }
    }

    /// Forgets what it has seen: what follows at `offset` is another text.
    pub(super) fn restart(&mut self, masks: &Masks, offset: u64) {
        match self {
            Self::Direct(view) => view.restart(masks, offset),
            Self::Escaped(view) => view.restart(offset),
        }
    }

    /// Reads the bytes of the window that it has not read, and adds the forms
    /// that end in them. With `last` the stream has ended: an escape that is not
    /// finished is what it is.
    pub(super) fn read(&mut self, masks: &Masks, window: Window<'_>, last: bool, found: &mut Vec<Span>) {
        match self {
            Self::Direct(view) => view.read(masks, window, found),
            Self::Escaped(view) => view.read(masks, window, last, found),
        }
    }

    /// From where on the bytes before may still become part of a form.
    pub(super) fn held_from(&self, masks: &Masks) -> u64 {
        match self {
            Self::Direct(view) => view.held_from(masks),
            Self::Escaped(view) => view.held_from(),
        }
    }

    /// From where on it has to read to come to the place where it is.
    pub(super) fn read_from(&self, masks: &Masks) -> u64 {
        match self {
            Self::Direct(view) => view.read_from(masks),
            Self::Escaped(view) => view.held_from(),
        }
    }
}
