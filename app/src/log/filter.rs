//! What of a log is shown: words, a pattern, streams.

use super::{ansi, store::Row, store::RowKind};
use std::ops::Range;

/// A filter, as a person writes it: `text`, `/pattern/`, `stream:stderr`, or
/// several of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What a row's text must hold.
    pub search: Search,
    /// The only stream shown, when one is named.
    pub only: Option<RowKind>,
    /// Standard output is left out.
    pub without_stdout: bool,
    /// Standard error is left out.
    pub without_stderr: bool,
}

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// Nothing: every row.
    #[default]
    Everything,
    /// Words. In lower case, they are found in any case.
    Words(String),
    /// A regular expression, which the browser's engine runs.
    Pattern(String),
}

/// Finds a pattern in a text: ranges of bytes, in order.
pub type FindPattern<'a> = &'a dyn Fn(&str) -> Vec<Range<usize>>;

impl Filter {
    /// Reads what a person wrote.
    #[must_use]
    pub fn parse(written: &str) -> Self {
        let mut filter = Self::default();
        let mut words = Vec::new();
        let trimmed = written.trim();
        let (pattern, rest) = pattern_in(trimmed);
        for word in rest.split_whitespace() {
            match word.strip_prefix("stream:") {
                Some("stderr" | "err") => filter.only = Some(RowKind::Stderr),
                Some("stdout" | "out") => filter.only = Some(RowKind::Stdout),
                _ => words.push(word),
            }
        }
        filter.search = match pattern {
            Some(pattern) => Search::Pattern(pattern.to_owned()),
            None if words.is_empty() => Search::Everything,
            // Spaces within the words count, unless a stream was named among them.
            None if filter.only.is_none() => Search::Words(trimmed.to_owned()),
            None => Search::Words(words.join(" ")),
        };
        filter
    }

    /// Whether every row is shown.
    #[must_use]
    pub fn shows_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a row is shown.
    #[must_use]
    pub fn admits(&self, row: &Row<'_>, find_pattern: FindPattern<'_>) -> bool {
        let stream = match row.kind {
            RowKind::Stdout => !self.without_stdout,
            RowKind::Stderr => !self.without_stderr,
            RowKind::System | RowKind::Gap => true,
        };
        if !stream || self.only.is_some_and(|only| only != row.kind) {
            return false;
        }
        match &self.search {
            Search::Everything => true,
            // The bytes as they are, when no control sequence stands between.
            Search::Words(words) if memchr::memchr(0x1b, row.text).is_none() => {
                place_of(row.text, words.as_bytes(), any_case(words)).is_some()
            }
            Search::Words(words) => place_of(
                ansi::plain(row.text).as_bytes(),
                words.as_bytes(),
                any_case(words),
            )
            .is_some(),
            Search::Pattern(_) => !find_pattern(&ansi::plain(row.text)).is_empty(),
        }
    }

    /// Where in a text it is found: ranges of bytes, in order.
    #[must_use]
    pub fn found(&self, text: &str, find_pattern: FindPattern<'_>) -> Vec<Range<usize>> {
        let Search::Words(words) = &self.search else {
            return match self.search {
                Search::Pattern(_) => find_pattern(text),
                _ => Vec::new(),
            };
        };
        let mut ranges = Vec::new();
        let mut from = 0;
        while let Some(place) = place_of(&text.as_bytes()[from..], words.as_bytes(), any_case(words)) {
            let start = from + place;
            ranges.push(start..start + words.len());
            from = start + words.len();
        }
        ranges
    }
}

/// `/pattern/` and what is written around it.
fn pattern_in(written: &str) -> (Option<&str>, String) {
    let start = if written.starts_with('/') {
        Some(0)
    } else {
        written.find(" /").map(|at| at + 1)
    };
    let end = written.rfind('/');
    match (start, end) {
        (Some(start), Some(end)) if end > start + 1 => {
            let rest = format!("{} {}", &written[..start], &written[end + 1..]);
            let only_streams = rest.split_whitespace().all(|word| word.starts_with("stream:"));
            if only_streams {
                return (Some(&written[start + 1..end]), rest);
            }
            (None, written.to_owned())
        }
        _ => (None, written.to_owned()),
    }
}

fn any_case(words: &str) -> bool {
    !words.chars().any(char::is_uppercase)
}

/// The first place of `words` in `text`. Case is that of ASCII letters only:
/// other letters may change their length with their case.
fn place_of(text: &[u8], words: &[u8], any_case: bool) -> Option<usize> {
    let (first, rest) = words.split_first()?;
    let other = if any_case {
        first.to_ascii_uppercase()
    } else {
        *first
    };
    memchr::memchr2_iter(*first, other, text).find(|place| {
        text.get(place + 1..place + words.len()).is_some_and(|found| {
            if any_case {
                found.eq_ignore_ascii_case(rest)
            } else {
                found == rest
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ansi::Style;
    use model::Millis;
    use proptest::prelude::*;

    fn shown(written: &str, kind: RowKind, text: &str) -> bool {
        let row = Row {
            text: text.as_bytes(),
            at: Millis(0),
            kind,
            continues: false,
            style: Style::default(),
        };
        Filter::parse(written).admits(&row, &|_| Vec::new())
    }

    #[test]
    fn reads_what_is_written() {
        assert!(Filter::parse("  ").shows_everything());
        assert_eq!(
            Filter::parse(" two  words ").search,
            Search::Words("two  words".into())
        );
        assert_eq!(
            Filter::parse("/a\\/b|c d/").search,
            Search::Pattern("a\\/b|c d".into())
        );
        let both = Filter::parse("stream:stderr /warn.*/");
        assert_eq!(
            (both.only, both.search),
            (Some(RowKind::Stderr), Search::Pattern("warn.*".into()))
        );
        assert_eq!(
            Filter::parse("stream:stdout two words").search,
            Search::Words("two words".into())
        );
        assert_eq!(Filter::parse("/tmp/x").search, Search::Words("/tmp/x".into()));
        assert_eq!(Filter::parse("//").search, Search::Words("//".into()));
        assert_eq!(
            Filter::parse("stream:other").search,
            Search::Words("stream:other".into())
        );
    }

    #[test]
    fn finds_words_in_any_case_and_through_colours() {
        assert!(shown("warn", RowKind::Stdout, "a WARNing"));
        assert!(!shown("Warn", RowKind::Stdout, "a warning"));
        assert!(shown("warning", RowKind::Stdout, "wa\x1b[31mrn\x1b[0ming"));
        assert!(shown("stream:stderr", RowKind::Stderr, "x"));
        assert!(!shown("stream:stderr", RowKind::Stdout, "x"));
        let without = Filter {
            without_stdout: true,
            ..Filter::default()
        };
        let row = Row {
            text: b"x",
            at: Millis(0),
            kind: RowKind::System,
            continues: false,
            style: Style::default(),
        };
        assert!(without.admits(&row, &|_| Vec::new()), "our own rows stay");
    }

    #[test]
    fn says_where() {
        let found = Filter::parse("ab").found("ab xAB abab", &|_| Vec::new());
        assert_eq!(found, [0..2, 4..6, 7..9, 9..11]);
    }

    proptest! {
        #[test]
        fn whatever_is_written(written in "\\PC{0,30}", text in "\\PC{0,60}") {
            let filter = Filter::parse(&written);
            for range in filter.found(&text, &|_| Vec::new()) {
                prop_assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
            }
            let _ = shown(&written, RowKind::Stdout, &text);
        }
    }
}
