//! The protocol's framing: headers as of HTTP, of which only the length counts,
//! an empty line, and so many bytes.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

/// The most bytes of headers.
const HEADERS: usize = 4 << 10;
/// The most bytes of a message; a project's symbols can be many.
const LONGEST: usize = 32 << 20;
const END: &[u8] = b"\r\n\r\n";

/// Reads messages.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// The length of the message whose headers were read.
    length: Option<usize>,
}

impl Decoder for Framing {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
        let length = match self.length {
            Some(length) => length,
            None => {
                let searched = &buffer[..buffer.len().min(HEADERS)];
                let Some(end) = searched.windows(END.len()).position(|part| part == END) else {
                    return if buffer.len() < HEADERS {
                        Ok(None)
                    } else {
                        Err(broken("headers without an end"))
                    };
                };
                let length = length_in(&buffer[..end])?;
                buffer.advance(end + END.len());
                *self.length.insert(length)
            }
        };
        if buffer.len() < length {
            // More comes: room for a part of it, since the length is only said.
            buffer.reserve((length - buffer.len()).min(64 << 10));
            return Ok(None);
        }
        self.length = None;
        Ok(Some(buffer.split_to(length).freeze()))
    }
}

fn length_in(headers: &[u8]) -> io::Result<usize> {
    let text = std::str::from_utf8(headers).map_err(|_| broken("headers that are no text"))?;
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>())
    });
    match length {
        Some(Ok(length)) if length <= LONGEST => Ok(length),
        Some(Ok(_)) => Err(broken("a message that is too long")),
        _ => Err(broken("a message without its length")),
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it sent {what}"))
}

/// A message as it is sent.
pub(super) fn framed(message: &serde_json::Value) -> Bytes {
    let text = message.to_string();
    format!("Content-Length: {}\r\n\r\n{text}", text.len()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(pieces: &[&[u8]]) -> Result<Vec<Bytes>, io::Error> {
        let (mut framing, mut buffer, mut messages) = (Framing::default(), BytesMut::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(piece);
            while let Some(message) = framing.decode(&mut buffer)? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    #[test]
    fn other_headers_and_case_do_not_matter() {
        let bytes = b"Content-Type: x\r\ncontent-length:  2 \r\n\r\n{}Content-Length: 0\r\n\r\n";
        assert_eq!(read(&[bytes]).unwrap(), ["{}", ""]);
    }

    #[test]
    fn what_has_no_usable_length_ends_the_conversation() {
        for bytes in [
            &b"\r\n\r\n"[..],
            b"Content-Length: x\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Content-Length: 99999999999\r\n\r\n",
            b"\xff: 1\r\n\r\n",
            &[b'x'; HEADERS],
        ] {
            assert!(read(&[bytes]).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_messages(
            texts in prop::collection::vec(any::<String>(), 1..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let messages: Vec<_> = texts.iter().map(|text| json!({"text": text})).collect();
            let bytes: Vec<u8> = messages.iter().flat_map(|message| framed(message).to_vec()).collect();
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            ends.extend([0, bytes.len()]);
            ends.sort_unstable();
            let pieces: Vec<&[u8]> = ends.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
            let heard = read(&pieces).unwrap();
            prop_assert_eq!(heard.len(), messages.len());
            for (bytes, message) in heard.iter().zip(&messages) {
                prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(bytes).unwrap(), message);
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let _ = read(&[&bytes]);
        }
    }
}
