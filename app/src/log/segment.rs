//! A row as the pieces its element is made of: styles, links, places in source
//! files and what the filter found, cut where any of them begins or ends.

use super::{
    ansi::{self, Style},
    source,
};
use std::ops::Range;

/// A piece of a row: text in one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The text.
    pub text: String,
    /// How it looks.
    pub style: Style,
    /// The web page it links to.
    pub link: Option<String>,
    /// The file and line it opens.
    pub source: Option<(String, u32)>,
    /// Whether the filter found it.
    pub found: bool,
}

/// The pieces of a row that begins in `style`. `find` says what is found in its plain text.
#[must_use]
pub fn segments(style: Style, bytes: &[u8], find: impl Fn(&str) -> Vec<Range<usize>>) -> Vec<Segment> {
    let parsed = ansi::parse(style, bytes);
    let place = source::find(&parsed.plain);
    let found = find(&parsed.plain);
    let mut cuts: Vec<usize> = vec![0, parsed.plain.len()];
    cuts.extend(parsed.spans.iter().map(|span| span.range.start));
    cuts.extend(
        place
            .iter()
            .flat_map(|place| [place.range.start, place.range.end]),
    );
    cuts.extend(found.iter().flat_map(|range| [range.start, range.end]));
    cuts.retain(|cut| parsed.plain.is_char_boundary(*cut));
    cuts.sort_unstable();
    cuts.dedup();
    let mut spans = parsed.spans.iter().peekable();
    let mut finds = found.iter().peekable();
    let mut segments = Vec::with_capacity(cuts.len());
    for pair in cuts.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        while spans.next_if(|span| span.range.end <= start).is_some() {}
        while finds.next_if(|range| range.end <= start).is_some() {}
        let Some(span) = spans.peek() else { break };
        segments.push(Segment {
            text: parsed.plain[start..end].to_owned(),
            style: span.style,
            link: span.link.clone(),
            source: place
                .as_ref()
                .filter(|place| place.range.start <= start && end <= place.range.end)
                .map(|place| (place.path.clone(), place.line)),
            found: finds
                .peek()
                .is_some_and(|range| range.start <= start && end <= range.end),
        });
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::filter::Filter;
    use proptest::prelude::*;

    fn words(bytes: &[u8], filter: &str) -> Vec<String> {
        let filter = Filter::parse(filter);
        segments(Style::default(), bytes, |text| {
            filter.found(text, &|_| Vec::new())
        })
        .into_iter()
        .map(|segment| {
            let found = if segment.found { "*" } else { "" };
            let source = segment
                .source
                .map(|(path, line)| format!("@{path}:{line}"))
                .unwrap_or_default();
            format!("{}{found}{source}|{}", segment.text, segment.style.classes())
        })
        .collect()
    }

    #[test]
    fn cuts_where_anything_changes() {
        assert_eq!(words(b"plain", ""), ["plain|"]);
        assert_eq!(words(b"", ""), [""; 0]);
        assert_eq!(
            words(b"a\x1b[31mbcd\x1b[0me", "ab"),
            ["a*|", "b*|fg1", "cd|fg1", "e|"]
        );
        assert_eq!(
            words(b"at f (agent.ts:3:5) x", "ts"),
            [
                "at f (|",
                "agent.@agent.ts:3|",
                "ts*@agent.ts:3|",
                ":3:5@agent.ts:3|",
                ") x|"
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_of_the_text_is_lost(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'm'), b'0'..=b'9'], 0..200),
            words in "[a-z0-9m]{0,2}",
        ) {
            let filter = Filter::parse(&words);
            let joined: String = segments(Style::default(), &bytes, |text| filter.found(text, &|_| Vec::new()))
                .into_iter()
                .map(|segment| segment.text)
                .collect();
            prop_assert_eq!(joined, ansi::plain(&bytes).into_owned());
        }
    }
}
