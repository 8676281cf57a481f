//! What the runner reports between what the program prints, taken apart again,
//! however the provider cuts the text.

use super::runner::MARK;
use model::{Chart, Exception};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The longest report. One that is longer is not of the runner's making.
const LONGEST: usize = 48 << 20;

/// What the runner says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The cell begins, and is this one of its process.
    Cells(u64),
    /// The value of the last expression.
    Result(BTreeMap<String, String>),
    /// A figure.
    Chart(Chart),
    /// What ended the cell.
    Exception(Exception),
    /// It was interrupted.
    Interrupted(()),
}

/// A part of standard output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Report(Report),
}

/// Takes the standard output of one cell apart.
pub(super) struct Reports {
    begin: String,
    /// What may be a report, or is one without its end.
    held: String,
    /// How much of what is held has been looked through.
    looked: usize,
    /// Whether what is held begins with a whole mark.
    inside: bool,
}

impl Reports {
    /// Those that begin with this mark.
    pub(super) fn new(mark: &str) -> Self {
        Self {
            begin: format!("{MARK}{mark}"),
            held: String::new(),
            looked: 0,
            inside: false,
        }
    }

    /// Takes the next text.
    pub(super) fn take(&mut self, text: &str) -> Vec<Piece> {
        self.held.push_str(text);
        let mut pieces = Vec::new();
        loop {
            let more = if self.inside {
                self.end_of_report(&mut pieces)
            } else {
                self.begin_of_report(&mut pieces)
            };
            if !more {
                return pieces;
            }
        }
    }

    /// What is left at the end.
    pub(super) fn rest(&mut self) -> Option<String> {
        self.inside = false;
        self.looked = 0;
        Some(std::mem::take(&mut self.held)).filter(|rest| !rest.is_empty())
    }

    fn begin_of_report(&mut self, pieces: &mut Vec<Piece>) -> bool {
        let found = self.held.find(&self.begin);
        // The last of it may be the beginning of a mark.
        let until = found.unwrap_or_else(|| {
            let begun = (1..self.begin.len())
                .rev()
                .find(|length| self.held.ends_with(&self.begin[..*length]));
            self.held.len() - begun.unwrap_or(0)
        });
        if until > 0 {
            let rest = self.held.split_off(until);
            pieces.push(Piece::Text(std::mem::replace(&mut self.held, rest)));
        }
        self.inside = found.is_some();
        self.looked = if self.inside { self.begin.len() } else { 0 };
        self.inside
    }

    fn end_of_report(&mut self, pieces: &mut Vec<Piece>) -> bool {
        const END: &str = "\u{1e}\n";
        let Some(place) = self.held[self.looked..].find(END) else {
            if self.held.len() > LONGEST {
                pieces.extend(self.rest().map(Piece::Text));
            } else {
                // Its first character may be the last that is here.
                let looked = self.held.len().saturating_sub(END.len());
                self.looked = self.held.floor_char_boundary(looked).max(self.begin.len());
            }
            return false;
        };
        let end = self.looked + place;
        match serde_json::from_str(&self.held[self.begin.len()..end]) {
            Ok(report) => pieces.push(Piece::Report(report)),
            Err(error) => tracing::debug!(%error, "a report of an interpreter cannot be read"),
        }
        self.held.drain(..end + END.len());
        self.inside = false;
        self.looked = 0;
        !self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str, cut: usize) -> (String, Vec<Report>) {
        let mut reports = Reports::new("mark");
        let (mut said, mut told) = (String::new(), Vec::new());
        let characters: Vec<char> = text.chars().collect();
        for piece in characters.chunks(cut) {
            for piece in reports.take(&piece.iter().collect::<String>()) {
                match piece {
                    Piece::Text(text) => said.push_str(&text),
                    Piece::Report(report) => told.push(report),
                }
            }
        }
        said.extend(reports.rest());
        (said, told)
    }

    #[test]
    fn reports_are_told_apart_from_text() {
        let text =
            "a\u{1e}mark{\"cells\":3}\u{1e}\nb\u{1e}mar\u{1e}mark{\"interrupted\":null}\u{1e}\n\u{1e}mark{";
        for cut in 1..text.len() {
            let (said, reports) = told(text, cut);
            assert_eq!(said, "ab\u{1e}mar\u{1e}mark{", "cut at {cut}");
            assert_eq!(reports, [Report::Cells(3), Report::Interrupted(())]);
        }
    }

    #[test]
    fn what_the_runner_says_is_read() {
        let read = |json: &str| serde_json::from_str::<Report>(json).expect("a report");
        assert_eq!(
            read(r#"{"result":{"text/plain":"1"}}"#),
            Report::Result([("text/plain".to_owned(), "1".to_owned())].into())
        );
        assert!(matches!(read(r#"{"chart":{"png":"eA=="}}"#), Report::Chart(chart) if chart.png == "eA=="));
        let exception = read(r#"{"exception":{"name":"E","value":"v","traceback":"t"}}"#);
        assert!(matches!(exception, Report::Exception(exception) if exception.name == "E"));
    }

    proptest! {
        #[test]
        fn text_without_a_mark_comes_as_it_is(text in "[\u{1e}mark\u{e9}\n]{0,40}", cut in 1..6_usize) {
            prop_assume!(!text.contains("\u{1e}mark"));
            let (said, reports) = told(&text, cut);
            prop_assert_eq!(said, text);
            prop_assert!(reports.is_empty());
        }
    }
}
