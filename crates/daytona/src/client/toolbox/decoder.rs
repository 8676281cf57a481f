//! Turns the messages of a followed log into pieces with offsets, in either
//! format. Never delivers a byte twice, and never passes over one in silence.

use super::LogPiece;
use crate::wire::frames::{Record, next_record};
use crate::wire::{Markers, Stream};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Decoder {
    format: Format,
    /// Offset of the next byte to be delivered.
    offset: u64,
}

#[derive(Debug)]
enum Format {
    /// Pitlane's exact records; the message being taken apart.
    Frames { message: Bytes },
    /// Daytona's markers; pieces found and not yet delivered.
    Markers {
        markers: Markers,
        found: VecDeque<(Stream, Bytes)>,
        /// Bytes still to be passed over: the log starts at its beginning,
        /// whatever the offset that was asked for.
        skip: u64,
    },
}

impl Decoder {
    pub(super) fn frames(offset: u64) -> Self {
        Self {
            format: Format::Frames {
                message: Bytes::new(),
            },
            offset,
        }
    }

    pub(super) fn markers(offset: u64) -> Self {
        let format = Format::Markers {
            markers: Markers::new(),
            found: VecDeque::new(),
            skip: offset,
        };
        Self { format, offset }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes a message in; the one before must have been delivered.
    pub(super) fn push(&mut self, bytes: Bytes) {
        match &mut self.format {
            Format::Frames { message } => *message = bytes,
            Format::Markers { markers, found, .. } => {
                markers.push(bytes, |stream, bytes| found.push_back((stream, bytes)));
            }
        }
    }

    /// The log has ended well.
    pub(super) fn finish(&mut self) {
        if let Format::Markers { markers, found, .. } = &mut self.format {
            markers.finish(|stream, bytes| found.push_back((stream, bytes)));
        }
    }

    /// Forgets what was taken in and not delivered.
    pub(super) fn discard(&mut self) {
        match &mut self.format {
            Format::Frames { message } => message.clear(),
            Format::Markers { found, .. } => found.clear(),
        }
    }

    /// The next piece of what was taken in.
    pub(super) fn next_piece(&mut self) -> Result<Option<LogPiece>, String> {
        match &mut self.format {
            Format::Markers { found, skip, .. } => {
                while let Some((stream, mut bytes)) = found.pop_front() {
                    let passed = (*skip).min(bytes.len() as u64);
                    *skip -= passed;
                    bytes.advance(passed as usize);
                    if !bytes.is_empty() {
                        let offset = self.offset;
                        self.offset += bytes.len() as u64;
                        return Ok(Some(LogPiece::Output {
                            offset,
                            at_ms: None,
                            stream,
                            bytes,
                        }));
                    }
                }
                Ok(None)
            }
            Format::Frames { message } => loop {
                let before = message.clone();
                let Some(record) = next_record(message).map_err(|error| error.to_string())? else {
                    return Ok(None);
                };
                let (start, length) = extent(&record);
                let end = start
                    .checked_add(length)
                    .ok_or("a record ends past the largest offset")?;
                if start > self.offset {
                    // The record itself is for the next call.
                    *message = before;
                    let (offset, missing) = (self.offset, start - self.offset);
                    self.offset = start;
                    return Ok(Some(LogPiece::Gap {
                        offset,
                        at_ms: None,
                        missing,
                    }));
                }
                if end <= self.offset {
                    continue;
                }
                let passed = self.offset - start;
                let offset = std::mem::replace(&mut self.offset, end);
                return Ok(Some(match record {
                    Record::Gap { at_ms, missing, .. } => LogPiece::Gap {
                        offset,
                        at_ms: Some(at_ms),
                        missing: missing - passed,
                    },
                    Record::Output {
                        stream,
                        at_ms,
                        mut bytes,
                        ..
                    } => {
                        bytes.advance(passed as usize);
                        LogPiece::Output {
                            offset,
                            at_ms: Some(at_ms),
                            stream,
                            bytes,
                        }
                    }
                }));
            },
        }
    }
}

fn extent(record: &Record) -> (u64, u64) {
    match record {
        Record::Output { offset, bytes, .. } => (*offset, bytes.len() as u64),
        Record::Gap { offset, missing, .. } => (*offset, *missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frames::{encode_gap, encode_output};
    use bytes::BytesMut;

    fn message(records: &[(u64, &[u8])]) -> Bytes {
        let mut message = BytesMut::new();
        for (offset, content) in records {
            encode_output(&mut message, Stream::Stdout, 5, *offset, content);
        }
        message.freeze()
    }

    fn pieces(decoder: &mut Decoder) -> Vec<(u64, Result<Bytes, u64>)> {
        let mut pieces = Vec::new();
        while let Some(piece) = decoder.next_piece().expect("records") {
            pieces.push(match piece {
                LogPiece::Output { offset, bytes, .. } => (offset, Ok(bytes)),
                LogPiece::Gap { offset, missing, .. } => (offset, Err(missing)),
            });
        }
        pieces
    }

    #[test]
    fn what_was_delivered_is_not_delivered_again() {
        let mut decoder = Decoder::frames(2);
        decoder.push(message(&[(0, b"abc"), (3, b"def"), (1, b"bcdefg")]));
        assert_eq!(
            pieces(&mut decoder),
            [(2, Ok("c".into())), (3, Ok("def".into())), (6, Ok("g".into()))]
        );
        assert_eq!(decoder.offset(), 7);
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut decoder = Decoder::frames(0);
        decoder.push(message(&[(0, b"ab"), (5, b"f")]));
        assert_eq!(
            pieces(&mut decoder),
            [(0, Ok("ab".into())), (2, Err(3)), (5, Ok("f".into()))]
        );
        let mut gap = BytesMut::new();
        encode_gap(&mut gap, 1, 4, 6);
        decoder.push(gap.freeze());
        assert_eq!(pieces(&mut decoder), [(6, Err(4))]);
        assert_eq!(decoder.offset(), 10);
    }

    #[test]
    fn offsets_beyond_all_counting_are_refused() {
        let mut decoder = Decoder::frames(0);
        decoder.push(message(&[(u64::MAX, b"ab")]));
        assert!(decoder.next_piece().is_err());
    }

    #[test]
    fn a_marked_log_is_taken_up_at_an_offset() {
        let mut decoder = Decoder::markers(4);
        decoder.push(Bytes::from_static(b"\x01\x01\x01o1\n\x02\x02\x02e1\n\x01"));
        assert_eq!(pieces(&mut decoder), [(4, Ok("1\n".into()))]);
        decoder.finish();
        assert_eq!(pieces(&mut decoder), [(6, Ok("\u{1}".into()))]);
    }
}
