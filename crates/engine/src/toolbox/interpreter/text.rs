//! A program's output as the text of messages: whole lines, or at least a
//! kibibyte, and never more than fits one message.

use crate::spool::Lossy;

/// A line that is not finished waits, up to this many bytes.
const HELD: usize = 1024;
/// The most bytes of text in a message, as JSON writes them. What else is in
/// one stays below 100 bytes, and the whole below 64 KiB.
const LONGEST: usize = 60_000;

/// One stream of a cell.
#[derive(Debug, Default)]
pub(super) struct Text {
    lossy: Lossy,
    held: String,
}

impl Text {
    /// Takes more bytes; gives the texts that are ready.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.held.push_str(&self.lossy.push(bytes));
        let ready = match self.held.rfind('\n') {
            Some(end) if self.held.len() - end <= HELD => end + 1,
            None if self.held.len() < HELD => 0,
            _ => self.held.len(),
        };
        let rest = self.held.split_off(ready);
        split(&std::mem::replace(&mut self.held, rest))
    }

    /// Gives what is left when nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<String> {
        self.held.push_str(self.lossy.finish());
        split(&std::mem::take(&mut self.held))
    }
}

/// How many bytes JSON needs for a character.
fn cost(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        letter if letter < ' ' => 6,
        letter => letter.len_utf8(),
    }
}

fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut start, mut length) = (0, 0);
    for (at, letter) in text.char_indices() {
        if length + cost(letter) > LONGEST {
            parts.push(text[start..at].to_owned());
            (start, length) = (at, 0);
        }
        length += cost(letter);
    }
    if start < text.len() {
        parts.push(text[start..].to_owned());
    }
    parts
}

/// Cuts a text to what a part of a message may hold.
pub(super) fn shorten(text: &mut String, most: usize) {
    let mut length = 0;
    let end = text.char_indices().find_map(|(at, letter)| {
        length += cost(letter);
        (length > most).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_given_whole_and_long_beginnings_at_once() {
        let mut text = Text::default();
        assert!(text.push(b"no end").is_empty());
        assert_eq!(text.push(b" yet\nand more\nrest"), ["no end yet\nand more\n"]);
        assert!(text.push(&[b'x'; 1000]).is_empty());
        assert_eq!(text.push(&[b'x'; 1000]).concat().len(), 2004);
        assert!(text.push(b"last").is_empty());
        assert_eq!(text.finish(), ["last"]);
        assert!(text.finish().is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_too_long(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..60),
        ) {
            let mut text = Text::default();
            let mut parts: Vec<String> = pieces.iter().flat_map(|piece| text.push(piece)).collect();
            parts.extend(text.finish());
            for part in &parts {
                prop_assert!(serde_json::to_string(part).unwrap().len() <= LONGEST + 2);
            }
            let all = pieces.concat();
            prop_assert_eq!(parts.concat(), String::from_utf8_lossy(&all));
        }

        #[test]
        fn a_shortened_text_fits(mut text in any::<String>(), most in 0usize..50) {
            let whole = text.clone();
            shorten(&mut text, most);
            prop_assert!(whole.starts_with(&text));
            prop_assert!(serde_json::to_string(&text).unwrap().len() <= most + 2);
        }
    }
}
