//! A spool as text inside a JSON answer, without holding it in memory.
//!
//! A log may be hundreds of megabytes and is asked for up to three times in one
//! answer (with markers, standard output, standard error). The answer is
//! written while the spool is read; a short one is collected first, so that it
//! has a length.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use daytona::wire::Stream;
use daytona::wire::frames::{Record, next_record};

use super::markers::Markers;
use crate::spool::{Lossy, Reader, Spool};

/// Bytes of log per piece of an answer.
const PIECE: usize = 64 << 10;
/// An answer up to this is sent in one piece.
const SHORT: usize = 256 << 10;

/// A key of the answer.
pub(super) enum Field {
    /// A plain value.
    Value(&'static str, serde_json::Value),
    /// Both streams in order of arrival.
    Merged(&'static str),
    /// One stream alone.
    Only(&'static str, Stream),
    /// Both, with Daytona's marker before each line.
    Marked(&'static str),
}

enum Part {
    Text(String),
    Log(Box<LogPart>),
}

struct LogPart {
    reader: Reader,
    only: Option<Stream>,
    markers: Option<Markers>,
    lossy: Lossy,
}

impl LogPart {
    /// The next piece as the inside of a JSON string.
    fn next(&mut self) -> Option<String> {
        let mut records = self.reader.take(PIECE)?;
        let mut bytes = Vec::with_capacity(records.len());
        // The spool holds what this engine wrote; a record that cannot be read ends the text.
        while let Ok(Some(record)) = next_record(&mut records) {
            match record {
                Record::Output {
                    stream,
                    bytes: content,
                    ..
                } => {
                    if self.only.is_some_and(|only| only != stream) {
                        continue;
                    }
                    match &mut self.markers {
                        Some(markers) => markers.push(stream, &content, &mut bytes),
                        None => bytes.extend_from_slice(&content),
                    }
                }
                Record::Gap { missing, .. } => {
                    bytes.extend_from_slice(
                        format!("\n[{missing} bytes of output were not kept]\n").as_bytes(),
                    );
                }
            }
        }
        Some(inside(&self.lossy.push(&bytes)))
    }
}

/// The text as it stands between the quotes of a JSON string.
fn inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

struct Pieces(VecDeque<Part>);

impl Iterator for Pieces {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        match self.0.front_mut()? {
            Part::Text(text) => {
                let text = std::mem::take(text);
                self.0.pop_front();
                Some(text)
            }
            Part::Log(log) => match log.next() {
                Some(piece) => Some(piece),
                None => {
                    let rest = log.lossy.finish().to_owned();
                    self.0.pop_front();
                    Some(rest)
                }
            },
        }
    }
}

fn pieces(spool: &Arc<Spool>, fields: Vec<Field>) -> Pieces {
    let mut parts = VecDeque::new();
    let mut before = '{';
    // All texts show the same moment, also when a daemon goes on printing.
    let now = spool.progress().offset;
    for field in fields {
        let (name, only, markers) = match field {
            Field::Value(name, value) => {
                parts.push_back(Part::Text(format!("{before}\"{name}\":{value}")));
                before = ',';
                continue;
            }
            Field::Merged(name) => (name, None, None),
            Field::Only(name, stream) => (name, Some(stream), None),
            Field::Marked(name) => (name, None, Some(Markers::default())),
        };
        parts.push_back(Part::Text(format!("{before}\"{name}\":\"")));
        parts.push_back(Part::Log(Box::new(LogPart {
            reader: spool.read_from(0).up_to(now),
            only,
            markers,
            lossy: Lossy::default(),
        })));
        parts.push_back(Part::Text("\"".into()));
        before = ',';
    }
    parts.push_back(Part::Text("}".into()));
    Pieces(parts)
}

/// The beginning of what is there now, as text.
pub(super) fn text(spool: &Arc<Spool>, most: usize) -> String {
    let mut bytes = Vec::new();
    let mut reader = spool.read_from(0).up_to(spool.progress().offset);
    while bytes.len() < most
        && let Some(mut records) = reader.take(PIECE)
    {
        while let Ok(Some(record)) = next_record(&mut records) {
            if let Record::Output { bytes: content, .. } = record {
                bytes.extend_from_slice(&content);
            }
        }
    }
    bytes.truncate(most);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A JSON object of the fields, in their order. There is at least one.
pub(super) fn respond(spool: &Arc<Spool>, fields: Vec<Field>) -> Response {
    let mut pieces = pieces(spool, fields);
    let mut start = String::new();
    for piece in pieces.by_ref() {
        start.push_str(&piece);
        if start.len() > SHORT {
            break;
        }
    }
    let body = if pieces.0.is_empty() {
        Body::from(start)
    } else {
        let rest = pieces.map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece)));
        Body::from_stream(futures::stream::iter(
            std::iter::once(Ok(Bytes::from(start))).chain(rest),
        ))
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::LIMIT;

    #[test]
    fn a_log_is_three_texts_of_one_answer() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned(), "c", LIMIT);
        spool.append(Stream::Stdout, b"a \"quote\"\nh\xC3");
        spool.append(Stream::Stderr, b"bad \xFF\n");
        spool.append(Stream::Stdout, b"\xA9\0\n");
        let text: String = pieces(
            &spool,
            vec![
                Field::Value("cmdId", "c".into()),
                Field::Marked("output"),
                Field::Only("stdout", Stream::Stdout),
                Field::Only("stderr", Stream::Stderr),
            ],
        )
        .collect();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["cmdId"], "c");
        assert_eq!(value["stdout"], "a \"quote\"\nhé\0\n");
        assert_eq!(value["stderr"], "bad \u{FFFD}\n");
        assert_eq!(
            value["output"],
            "\u{1}\u{1}\u{1}a \"quote\"\n\u{1}\u{1}\u{1}h\u{FFFD}\u{2}\u{2}\u{2}bad \u{FFFD}\n\u{1}\u{1}\u{1}\u{FFFD}\0\n"
        );
    }
}
