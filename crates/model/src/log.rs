//! The log: a run's output as a byte-exact ledger of frames.
//!
//! Offsets count the bytes of this run's output, standard output and standard
//! error together in order of arrival, from 0. They are ours: no connection
//! and no provider gives them.

use crate::Millis;
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

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
