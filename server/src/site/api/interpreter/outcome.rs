//! What came of a piece of code, gathered for one answer.

use super::super::super::{
    Site,
    pressure::{Client, no_room_for_it},
    refusal::Refusal,
};
use crate::connections::hold_until_sent;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use model::{CellEnd, CellEvent, CellState, Chart, Exception, InterpreterId, LogStream, UserId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The most text of an answer, in bytes. A conversation is told all of it.
const MOST_OUTPUT: usize = 8 << 20;
/// The most of all pictures and values together, in bytes.
const MOST_DATA: usize = 16 << 20;

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Interpretation)]
pub struct Outcome {
    /// Where it ran.
    interpreter: InterpreterId,
    /// Whether it came to its end by itself and without an exception.
    success: bool,
    #[serde(flatten)]
    end: CellEnd,
    /// What the code wrote, up to 8 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<String>,
    /// There when there was more than is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    /// The value of the last expression, by media types.
    result: Option<BTreeMap<String, String>>,
    charts: Vec<Chart>,
    exception: Option<Exception>,
    #[serde(skip)]
    said: Vec<(LogStream, String)>,
    #[serde(skip)]
    said_bytes: usize,
    #[serde(skip)]
    data_bytes: usize,
}

impl Outcome {
    /// Nothing has come yet.
    pub fn new(interpreter: &InterpreterId) -> Self {
        Self {
            interpreter: interpreter.clone(),
            success: true,
            end: CellEnd::default(),
            output: None,
            stdout: None,
            stderr: None,
            truncated: None,
            result: None,
            charts: Vec::new(),
            exception: None,
            said: Vec::new(),
            said_bytes: 0,
            data_bytes: 0,
        }
    }

    /// Takes the next of what happens.
    pub fn take(&mut self, event: CellEvent) {
        match event {
            CellEvent::Log { stream, mut content } => {
                let room = MOST_OUTPUT - self.said_bytes;
                if content.len() > room {
                    content.truncate(content.floor_char_boundary(room));
                    self.truncated = Some(true);
                }
                self.said_bytes += content.len();
                match self.said.last_mut() {
                    Some((last, said)) if *last == stream => said.push_str(&content),
                    _ => self.said.push((stream, content)),
                }
            }
            CellEvent::Result { data } => {
                if self.has_room(data.values().map(String::len).sum()) {
                    self.result = Some(data);
                }
            }
            CellEvent::Chart(chart) => {
                if self.has_room(chart.png.len()) {
                    self.charts.push(chart);
                }
            }
            CellEvent::Exception(exception) => self.exception = Some(exception),
            CellEvent::End(end) => {
                self.success = end.state == CellState::Succeeded;
                self.end = end;
            }
        }
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let has = self.data_bytes + bytes <= MOST_DATA;
        if has {
            self.data_bytes += bytes;
        } else {
            self.truncated = Some(true);
        }
        has
    }

    /// The answer, the two streams apart or in order of arrival.
    pub fn respond(mut self, site: &Site, person: &UserId, split: bool) -> Result<Response, Refusal> {
        // It is in memory as text and as JSON until the client has taken it.
        let bytes = (self.said_bytes + self.data_bytes) as u64 * 3;
        let client = Client::Person(person.clone());
        let reserved = match site.pressure.room.reserve(&client, bytes) {
            Ok(reserved) => reserved,
            Err(no_room) => return Ok(no_room_for_it(no_room)),
        };
        let said = std::mem::take(&mut self.said);
        let of = |wanted: LogStream| {
            let parts = said.iter().filter(|(stream, _)| *stream == wanted);
            Some(parts.map(|(_, text)| text.as_str()).collect())
        };
        if split {
            self.stdout = of(LogStream::Stdout);
            self.stderr = of(LogStream::Stderr);
        } else {
            self.output = Some(said.iter().map(|(_, text)| text.as_str()).collect());
        }
        Ok(hold_until_sent(Json(self).into_response(), reserved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_left_out_and_told() {
        let mut outcome = Outcome::new(&InterpreterId::generate());
        for _ in 0..3 {
            let content = "\u{e9}".repeat(MOST_OUTPUT / 4 + 1);
            outcome.take(CellEvent::Log {
                stream: LogStream::Stdout,
                content,
            });
        }
        assert!(outcome.said_bytes <= MOST_OUTPUT && outcome.truncated == Some(true));
        let chart = || {
            CellEvent::Chart(Chart {
                png: "x".repeat(MOST_DATA / 2 + 1),
                ..Chart::default()
            })
        };
        outcome.take(chart());
        outcome.take(chart());
        assert_eq!(outcome.charts.len(), 1);
    }
}
