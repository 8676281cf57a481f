//! The bytes of a row, taken apart into text, changes of style and links.

/// A part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text; control characters are still in it.
    Text(&'a [u8]),
    /// The parameters of a change of style.
    Sgr(&'a [u8]),
    /// A link begins, or ends when there is no address.
    Link(Option<&'a [u8]>),
}

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// The parts of a row. Sequences that mean nothing here are passed over; one
/// that does not end takes the rest of the row with it, as in a terminal.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// After `ESC [`: parameters, intermediates, a final byte.
    fn control_sequence(&mut self) -> Option<Token<'a>> {
        let length = self
            .rest
            .iter()
            .take_while(|byte| (0x20..=0x3f).contains(*byte))
            .count();
        let parameters = self.take(length);
        let last = self.take(1).first().copied()?;
        let plain = parameters
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
        (last == b'm' && plain).then_some(Token::Sgr(parameters))
    }

    /// After `ESC ]` and its like: everything up to BEL or `ESC \`.
    fn string(&mut self) -> &'a [u8] {
        let end = self.rest.iter().enumerate().find(|(place, byte)| {
            **byte == BELL || **byte == ESCAPE && self.rest.get(place + 1) == Some(&b'\\')
        });
        let Some((length, last)) = end else {
            return self.take(self.rest.len());
        };
        let terminator = if *last == BELL { 1 } else { 2 };
        let string = self.take(length);
        self.take(terminator);
        string
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let text = memchr::memchr(ESCAPE, self.rest).unwrap_or(self.rest.len());
            if text > 0 {
                return Some(Token::Text(self.take(text)));
            }
            self.take(1);
            match self.rest.first() {
                Some(b'[') => {
                    self.take(1);
                    if let Some(token) = self.control_sequence() {
                        return Some(token);
                    }
                }
                Some(b']') => {
                    self.take(1);
                    if let Some(link) = self.string().strip_prefix(b"8;") {
                        let address = link
                            .iter()
                            .position(|byte| *byte == b';')
                            .map(|at| &link[at + 1..]);
                        return Some(Token::Link(address.filter(|address| !address.is_empty())));
                    }
                }
                Some(b'P' | b'X' | b'^' | b'_') => {
                    self.take(1);
                    self.string();
                }
                // Others are intermediates and one more byte: `ESC ( B`, `ESC 7`.
                Some(0x20..=0x7e) => {
                    let length = self
                        .rest
                        .iter()
                        .take_while(|byte| (0x20..=0x2f).contains(*byte))
                        .count();
                    self.take(length + 1);
                }
                _ => {}
            }
        }
    }
}
