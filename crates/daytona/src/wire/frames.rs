//! `frames-v1`: a followed log as records that keep every byte, its stream,
//! its time and its offset.
//!
//! A WebSocket message holds one or more whole records. A record is
//! `u8 stream | i64 LE unix ms | u64 LE offset | u32 LE length | bytes`; the
//! stream is 1 for standard output and 2 for standard error. Stream 0 is a
//! gap: its length is 0, and a `u64 LE` follows that counts the bytes that
//! were not kept.

pub use super::Stream;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The most bytes of a message that an engine sends.
pub const MESSAGE_LIMIT: usize = 256 * 1024;
/// Bytes of a record before its content.
pub const HEADER_LENGTH: usize = 1 + 8 + 8 + 4;

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Bytes of the program.
    Output {
        /// Which stream they were written to.
        stream: Stream,
        /// When the engine read them, in milliseconds since 1970.
        at_ms: i64,
        /// Offset of the first one in the command's merged output.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes that were not kept.
    Gap {
        /// When the first of them was dropped, in milliseconds since 1970.
        at_ms: i64,
        /// Offset of the first one in the command's merged output.
        offset: u64,
        /// How many.
        missing: u64,
    },
}

/// Appends an output record; the caller keeps messages under [`MESSAGE_LIMIT`].
///
/// # Panics
/// Never for content of less than 4 GiB, which no message can hold.
pub fn encode_output(message: &mut BytesMut, stream: Stream, at_ms: i64, offset: u64, content: &[u8]) {
    let length = u32::try_from(content.len()).expect("a record fits a message, and a message is bounded");
    message.reserve(HEADER_LENGTH + content.len());
    message.put_u8(stream.number());
    message.put_i64_le(at_ms);
    message.put_u64_le(offset);
    message.put_u32_le(length);
    message.put_slice(content);
}

/// Appends a gap record.
pub fn encode_gap(message: &mut BytesMut, at_ms: i64, offset: u64, missing: u64) {
    message.reserve(HEADER_LENGTH + 8);
    message.put_u8(0);
    message.put_i64_le(at_ms);
    message.put_u64_le(offset);
    message.put_u32_le(0);
    message.put_u64_le(missing);
}

/// Why a message is not made of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It ends inside a record.
    #[error("the message ends in the middle of a record")]
    Truncated,
    /// A record's stream is not 0, 1 or 2.
    #[error("a record names the stream {0}, which does not exist")]
    UnknownStream(u8),
    /// A gap record carries content.
    #[error("a gap record has a length of {0}, not 0")]
    GapWithContent(u32),
}

/// Takes the next record off a message; the content shares the message's
/// memory. None at the message's end.
///
/// # Errors
/// Says what is wrong with the bytes. The message is then of no more use.
pub fn next_record(message: &mut Bytes) -> Result<Option<Record>, FrameError> {
    if message.is_empty() {
        return Ok(None);
    }
    if message.len() < HEADER_LENGTH {
        return Err(FrameError::Truncated);
    }
    let stream = message.get_u8();
    let at_ms = message.get_i64_le();
    let offset = message.get_u64_le();
    let length = message.get_u32_le();
    let stream = match stream {
        1 => Stream::Stdout,
        2 => Stream::Stderr,
        0 if length != 0 => return Err(FrameError::GapWithContent(length)),
        0 if message.len() < 8 => return Err(FrameError::Truncated),
        0 => {
            let missing = message.get_u64_le();
            return Ok(Some(Record::Gap {
                at_ms,
                offset,
                missing,
            }));
        }
        other => return Err(FrameError::UnknownStream(other)),
    };
    let length = length as usize;
    if message.len() < length {
        return Err(FrameError::Truncated);
    }
    let bytes = message.split_to(length);
    Ok(Some(Record::Output {
        stream,
        at_ms,
        offset,
        bytes,
    }))
}
