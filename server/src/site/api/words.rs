//! Output as text, for messages that can carry nothing else. A frame of the log
//! may end in the middle of a character; the character is told whole, with the
//! frame that completes it. What is no UTF-8 at all becomes U+FFFD: the exact
//! bytes are in the log.

use model::{LogFrame, LogStream};
use serde_json::{Value, json};

/// What is held back of each stream: the beginning of a character, and its offset.
#[derive(Debug, Default)]
pub struct Words {
    stdout: (u64, Vec<u8>),
    stderr: (u64, Vec<u8>),
}

impl Words {
    /// The message of a frame, unless all of it waits for what completes it.
    pub fn take(&mut self, frame: &LogFrame) -> Option<Value> {
        let stream = frame.stream?;
        let held = match stream {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr => &mut self.stderr,
        };
        if held.1.is_empty() {
            held.0 = frame.offset;
        }
        let offset = held.0;
        held.1.extend_from_slice(&frame.bytes());
        let whole = held.1.len() - begun(&held.1);
        let begun = held.1.split_off(whole);
        let text = std::mem::replace(&mut held.1, begun);
        held.0 = frame.end() - held.1.len() as u64;
        (!text.is_empty()).then(|| message(stream, &text, offset))
    }

    /// Messages of what was never completed.
    pub fn rest(&mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        for (stream, (offset, bytes)) in [
            (LogStream::Stdout, &mut self.stdout),
            (LogStream::Stderr, &mut self.stderr),
        ] {
            if !bytes.is_empty() {
                rest.push(message(stream, &std::mem::take(bytes), *offset));
            }
        }
        rest
    }
}

fn message(stream: LogStream, bytes: &[u8], offset: u64) -> Value {
    json!({"type": "log", "stream": stream, "content": String::from_utf8_lossy(bytes), "offset": offset})
}

/// How many bytes at the end are the beginning of a character.
fn begun(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    (1..=tail.len())
        .rev()
        .find(|length| {
            let end = &tail[tail.len() - length..];
            matches!(std::str::from_utf8(end), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Millis;
    use proptest::prelude::*;

    fn told(pieces: &[&[u8]]) -> String {
        let (mut words, mut offset, mut text) = (Words::default(), 0, String::new());
        let mut said = Vec::new();
        for piece in pieces {
            let frame = LogFrame::output(offset, Millis(0), LogStream::Stdout, piece);
            offset += piece.len() as u64;
            said.extend(words.take(&frame));
        }
        said.extend(words.rest());
        for message in said {
            text.push_str(message["content"].as_str().expect("text"));
        }
        text
    }

    #[test]
    fn a_character_is_told_whole_with_the_offset_of_its_first_byte() {
        let mut words = Words::default();
        let frame = |offset, bytes: &[u8]| LogFrame::output(offset, Millis(0), LogStream::Stderr, bytes);
        assert_eq!(words.take(&frame(0, b"\xf0\x9f")), None);
        let said = words.take(&frame(2, b"\x9a\x80!")).expect("a message");
        assert_eq!(
            said,
            json!({"type":"log","stream":"stderr","content":"\u{1f680}!","offset":0})
        );
        let said = words.take(&frame(5, b"a\xc3")).expect("a message");
        assert_eq!(
            (said["content"].as_str(), said["offset"].as_u64()),
            (Some("a"), Some(5))
        );
        assert_eq!(
            words.rest(),
            [json!({"type":"log","stream":"stderr","content":"\u{fffd}","offset":6})]
        );
    }

    proptest! {
        #[test]
        fn however_text_is_cut_it_is_told_as_it_was(text in "\\PC{0,40}", cut in 1..5_usize) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            prop_assert_eq!(told(&pieces), text);
        }

        #[test]
        fn bytes_that_are_no_text_are_told_too(bytes: Vec<u8>, cut in 1..5_usize) {
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            let text = told(&pieces);
            prop_assert_eq!(text.is_empty(), bytes.is_empty());
        }
    }
}
