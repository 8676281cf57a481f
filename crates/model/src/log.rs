//! The log: a run's output as a byte-exact ledger of frames.
//!
//! Offsets count the bytes of this run's output, standard output and standard
//! error together in order of arrival, from 0. They are ours: no connection
//! and no provider gives them.

use crate::{Invalid, Millis};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

/// Where bytes of a log come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// The program's standard output.
    Stdout,
    /// The program's standard error.
    Stderr,
}

impl LogStream {
    /// The number stored and sent in binary: 1 for standard output, 2 for standard error.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Stdout),
            2 => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// A piece of a log, as it is sent to readers.
///
/// Text travels as text; bytes that are not UTF-8 travel as base64, so that
/// the reader has the program's own bytes in every case. A frame may end in
/// the middle of a character or a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FrameFields")]
pub struct LogFrame {
    /// Offset of its first byte.
    #[serde(rename = "o")]
    pub offset: u64,
    /// When it arrived.
    #[serde(rename = "t")]
    pub at: Millis,
    /// Which stream; none for a gap: bytes that were not kept.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<LogStream>,
    /// Its bytes, or how many are missing.
    #[serde(flatten)]
    pub body: LogBody,
}

/// The content of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogBody {
    /// UTF-8 text.
    #[serde(rename = "d")]
    Text(String),
    /// Other bytes, as standard base64 with padding.
    #[serde(rename = "b")]
    Base64(String),
    /// This many bytes were not kept.
    #[serde(rename = "g")]
    Gap(u64),
}

/// A frame as it is read: field by field. Read as a flattened enum, every frame of a log would be
/// gathered into a tree first, and the browser would carry the code for that.
#[derive(Deserialize)]
struct FrameFields {
    o: u64,
    t: Millis,
    #[serde(default)]
    s: Option<LogStream>,
    #[serde(default)]
    d: Option<String>,
    #[serde(default)]
    b: Option<String>,
    #[serde(default)]
    g: Option<u64>,
}

impl TryFrom<FrameFields> for LogFrame {
    type Error = Invalid;

    fn try_from(fields: FrameFields) -> Result<Self, Invalid> {
        let body = match (fields.d, fields.b, fields.g) {
            (Some(text), None, None) => LogBody::Text(text),
            (None, Some(bytes), None) => LogBody::Base64(bytes),
            (None, None, Some(missing)) => LogBody::Gap(missing),
            _ => return Err(Invalid("A frame of a log has one of d, b and g.".to_owned())),
        };
        Ok(Self {
            offset: fields.o,
            at: fields.t,
            stream: fields.s,
            body,
        })
    }
}

/// The end of a log. A reader that counted along compares, and says so when
/// its count is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEnd {
    /// Bytes in all, those not kept included.
    pub bytes: u64,
    /// Line breaks in all.
    pub lines: u64,
    /// SHA-256 of all bytes in order of offset, in hexadecimal; of the program's
    /// output before anything was left out.
    pub sha256: String,
    /// Whether the provider's stream can carry every byte. Daytona's cannot: it
    /// adds a last line break and drops NULs.
    pub exact: bool,
}

/// A record of a stored chunk. Chunks are records one after the other:
/// `u8 stream | i64 LE unix ms | u32 LE length | bytes`. A gap is stream 0,
/// and its bytes are the number of missing ones as `u64 LE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// Bytes the program wrote.
    Output {
        /// On which stream.
        stream: LogStream,
        /// When they arrived.
        at: Millis,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes that were not kept.
    Gap {
        /// When the first of them arrived.
        at: Millis,
        /// How many.
        length: u64,
    },
}

/// The length of a record before its bytes.
const RECORD_HEAD: usize = 13;

/// Appends a record to a chunk. Output longer than `u32::MAX` bytes becomes
/// several records, empty output none.
pub fn encode(record: Record<'_>, chunk: &mut Vec<u8>) {
    let mut write = |number: u8, at: Millis, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        chunk.reserve(RECORD_HEAD + bytes.len());
        chunk.push(number);
        chunk.extend_from_slice(&at.0.to_le_bytes());
        chunk.extend_from_slice(&length.to_le_bytes());
        chunk.extend_from_slice(bytes);
    };
    match record {
        Record::Output { stream, at, bytes } => {
            for part in bytes.chunks(u32::MAX as usize) {
                write(stream.number(), at, part);
            }
        }
        Record::Gap { at, length } => write(0, at, &length.to_le_bytes()),
    }
}

/// Appends bytes to the output record that begins at `start` and is the chunk's
/// last, so that many small writes of one moment make one record. The caller
/// keeps chunks far below 4 GiB.
pub fn lengthen(chunk: &mut Vec<u8>, start: usize, bytes: &[u8]) {
    chunk.extend_from_slice(bytes);
    let length = chunk.len().saturating_sub(start + RECORD_HEAD);
    if let (Some(place), Ok(length)) = (
        chunk.get_mut(start + 9..start + RECORD_HEAD),
        u32::try_from(length),
    ) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Reads the records of a chunk.
#[must_use]
pub const fn decode(chunk: &[u8]) -> Records<'_> {
    Records { rest: chunk }
}

/// The records of a chunk, in order; an error when its bytes are no records, and nothing after it.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    fn read(&mut self) -> Option<Record<'a>> {
        let (number, rest) = self.rest.split_first()?;
        let (at, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        let at = Millis(i64::from_le_bytes(*at));
        if *number == 0 {
            let length = u64::from_le_bytes(bytes.try_into().ok()?);
            return Some(Record::Gap { at, length });
        }
        let stream = LogStream::from_number(*number)?;
        Some(Record::Output { stream, at, bytes })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Invalid>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.read().ok_or_else(|| {
            self.rest = &[];
            Invalid("A stored piece of this log is damaged: its bytes are no records.".to_owned())
        }))
    }
}

/// The frames of a chunk that starts at `first_offset`, from byte `from` of the log up to, not with,
/// byte `to`: those at the edges are cut.
///
/// # Errors
/// When the chunk's bytes are no records.
pub fn frames(first_offset: u64, chunk: &[u8], from: u64, to: u64) -> Result<Vec<LogFrame>, Invalid> {
    let mut offset = first_offset;
    let mut frames = Vec::new();
    for record in decode(chunk) {
        let record = record?;
        let start = offset.max(from);
        let end = offset.saturating_add(record.length()).min(to);
        if start < end {
            frames.push(match record {
                Record::Output { stream, at, bytes } => {
                    let cut = |place: u64| usize::try_from(place - offset).unwrap_or(bytes.len());
                    LogFrame::output(start, at, stream, &bytes[cut(start)..cut(end)])
                }
                Record::Gap { at, .. } => LogFrame {
                    offset: start,
                    at,
                    stream: None,
                    body: LogBody::Gap(end - start),
                },
            });
        }
        offset = offset.saturating_add(record.length());
    }
    Ok(frames)
}

impl Record<'_> {
    /// How many bytes of the log it stands for.
    #[must_use]
    pub const fn length(&self) -> u64 {
        match self {
            Self::Output { bytes, .. } => bytes.len() as u64,
            Self::Gap { length, .. } => *length,
        }
    }
}

impl LogFrame {
    /// A frame of output: as text when it is UTF-8, else as base64.
    #[must_use]
    pub fn output(offset: u64, at: Millis, stream: LogStream, bytes: &[u8]) -> Self {
        let body = match std::str::from_utf8(bytes) {
            Ok(text) => LogBody::Text(text.to_owned()),
            Err(_) => LogBody::Base64(BASE64_STANDARD.encode(bytes)),
        };
        Self {
            offset,
            at,
            stream: Some(stream),
            body,
        }
    }

    /// Its bytes; none of a gap, nor of base64 that is none.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match &self.body {
            LogBody::Text(text) => text.clone().into_bytes(),
            LogBody::Base64(text) => BASE64_STANDARD.decode(text).unwrap_or_default(),
            LogBody::Gap(_) => Vec::new(),
        }
    }

    /// The offset after its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        let length = match &self.body {
            LogBody::Text(text) => text.len() as u64,
            LogBody::Base64(text) => {
                let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count() as u64;
                (text.len() as u64 / 4 * 3).saturating_sub(padding)
            }
            LogBody::Gap(bytes) => *bytes,
        };
        self.offset + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_small_on_the_wire() {
        let frame = LogFrame {
            offset: 7,
            at: Millis(12),
            stream: Some(LogStream::Stderr),
            body: LogBody::Text("a\n".into()),
        };
        let json = serde_json::to_string(&frame).expect("JSON");
        assert_eq!(json, r#"{"o":7,"t":12,"s":"stderr","d":"a\n"}"#);
        assert_eq!(serde_json::from_str::<LogFrame>(&json).expect("a frame"), frame);
        let gap = LogFrame {
            offset: 9,
            at: Millis(12),
            stream: None,
            body: LogBody::Gap(5),
        };
        assert_eq!(
            serde_json::to_string(&gap).expect("JSON"),
            r#"{"o":9,"t":12,"g":5}"#
        );
        assert_eq!(
            serde_json::from_str::<LogFrame>(r#"{"o":9,"t":12,"g":5}"#).expect("a gap"),
            gap
        );
        for bad in [r#"{"o":9,"t":12}"#, r#"{"o":9,"t":12,"d":"x","g":5}"#] {
            assert!(serde_json::from_str::<LogFrame>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn frames_end_after_their_bytes() {
        let end = |body| {
            let frame = LogFrame {
                offset: 10,
                at: Millis(0),
                stream: None,
                body,
            };
            frame.end()
        };
        assert_eq!(end(LogBody::Text("\u{e9}\n".into())), 13);
        assert_eq!(end(LogBody::Base64("/w==".into())), 11);
        assert_eq!(end(LogBody::Base64("//8=".into())), 12);
        assert_eq!(end(LogBody::Base64("////".into())), 13);
        assert_eq!(end(LogBody::Gap(7)), 17);
    }

    #[test]
    fn records_are_these_bytes() {
        let mut chunk = Vec::new();
        let (stream, at) = (LogStream::Stderr, Millis(0x0102));
        encode(
            Record::Output {
                stream,
                at,
                bytes: b"hi",
            },
            &mut chunk,
        );
        encode(
            Record::Output {
                stream,
                at,
                bytes: b"",
            },
            &mut chunk,
        );
        encode(Record::Gap { at, length: 3 }, &mut chunk);
        let stderr = [2, 2, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'h', b'i'];
        let gap = [0, 2, 1, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(chunk, [&stderr[..], &gap[..]].concat());
        let cut = frames(10, &chunk, 11, 14).expect("records");
        assert_eq!(cut[0], LogFrame::output(11, at, stream, b"i"));
        assert_eq!((cut[1].offset, &cut[1].body), (12, &LogBody::Gap(2)));
        assert!(
            decode(&chunk[..chunk.len() - 1])
                .last()
                .expect("an item")
                .is_err()
        );
    }

    #[test]
    fn bytes_that_are_no_text_travel_as_base64() {
        let frame = LogFrame::output(0, Millis(1), LogStream::Stdout, b"caf\xe9");
        assert_eq!(frame.body, LogBody::Base64("Y2Fm6Q==".into()));
        assert_eq!(frame.bytes(), b"caf\xe9");
    }

    fn pieces() -> impl Strategy<Value = Vec<(bool, i64, Vec<u8>)>> {
        let bytes = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            "\\PC{0,9}".prop_map(String::into_bytes)
        ];
        prop::collection::vec((any::<bool>(), any::<i64>(), bytes), 0..12)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_from_any_place_to_any_other(
            pieces in pieces(), first in 0..u64::MAX / 2, skip in 0..200_u64, take in 0..200_u64,
        ) {
            let mut chunk = Vec::new();
            let mut log = Vec::new();
            for (stderr, at, bytes) in &pieces {
                let stream = if *stderr { LogStream::Stderr } else { LogStream::Stdout };
                encode(Record::Output { stream, at: Millis(*at), bytes }, &mut chunk);
                log.extend_from_slice(bytes);
            }
            let (from, to) = (first + skip, first + skip + take);
            let mut read = Vec::new();
            for frame in frames(first, &chunk, from, to).expect("records") {
                prop_assert_eq!(frame.offset, from + read.len() as u64);
                prop_assert!(frame.stream.is_some());
                read.extend(frame.bytes());
            }
            let place = |at: u64| usize::try_from(at).expect("small").min(log.len());
            prop_assert_eq!(&read[..], &log[place(skip)..place(skip + take)]);
            let records = decode(&chunk).collect::<Result<Vec<_>, _>>().expect("records");
            let kept: Vec<_> = pieces.iter().filter(|(_, _, bytes)| !bytes.is_empty()).collect();
            prop_assert_eq!(records.len(), kept.len());
        }

        #[test]
        fn hostile_chunks_are_refused_not_followed(
            chunk in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                // Heads that promise more than there is, and gaps without end.
                (0..4_u8, any::<i64>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..30)).prop_map(
                    |(number, at, length, rest)| {
                        [&[number][..], &at.to_le_bytes(), &length.to_le_bytes(), &rest].concat()
                    }
                ),
                prop::collection::vec(any::<u64>(), 0..4).prop_map(|lengths| {
                    let mut chunk = Vec::new();
                    for length in lengths {
                        encode(Record::Gap { at: Millis(0), length }, &mut chunk);
                    }
                    chunk
                }),
            ],
            first: u64, from: u64, to: u64,
        ) {
            let items = decode(&chunk).count();
            prop_assert!(items <= chunk.len() / RECORD_HEAD + 1);
            prop_assert!(decode(&chunk).take(items.saturating_sub(1)).all(|item| item.is_ok()));
            if let Ok(frames) = frames(first, &chunk, from, to) {
                prop_assert!(frames.iter().all(|frame| (from..to).contains(&frame.offset)));
            }
        }
    }
}
