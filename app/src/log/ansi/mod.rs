//! What terminals make of control sequences: colours and styles (SGR) and
//! links (OSC 8). Everything else is left out. Rows are read only when they
//! are seen; before that, only the style that reaches into the next row is
//! kept track of.
//!
//! The text of a program is never HTML: it becomes spans with classes.

mod colour;
mod sgr;
mod tokens;

pub use colour::{Colour, readable};
pub use sgr::Style;
use tokens::{Token, Tokens};

/// Text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its bytes in [`Parsed::plain`].
    pub range: std::ops::Range<usize>,
    /// How it looks.
    pub style: Style,
    /// The address it links to; http and https only.
    pub link: Option<String>,
}

/// A row, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Its text without control characters.
    pub plain: String,
    /// The text in pieces, in order and without holes.
    pub spans: Vec<Span>,
}

/// Reads a row that begins in `style`. Bytes that are not UTF-8 become `\u{fffd}`.
#[must_use]
pub fn parse(mut style: Style, bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut link = None;
    for token in Tokens::new(bytes) {
        match token {
            Token::Text(text) => parsed.add(text, style, link.as_ref()),
            Token::Sgr(parameters) => style = style.after(parameters),
            Token::Link(address) => link = address.and_then(safe_address),
        }
    }
    parsed
}

/// The style after a row that begins in `style`.
#[must_use]
pub fn style_after(mut style: Style, bytes: &[u8]) -> Style {
    if memchr::memchr(0x1b, bytes).is_none() {
        return style;
    }
    for token in Tokens::new(bytes) {
        if let Token::Sgr(parameters) = token {
            style = style.after(parameters);
        }
    }
    style
}

/// The text of a row alone.
#[must_use]
pub fn plain(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if bytes.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e)) {
        return String::from_utf8_lossy(bytes);
    }
    std::borrow::Cow::Owned(parse(Style::default(), bytes).plain)
}

impl Parsed {
    fn add(&mut self, text: &[u8], style: Style, link: Option<&String>) {
        let start = self.plain.len();
        let text = String::from_utf8_lossy(text);
        self.plain
            .extend(text.chars().filter(|c| *c == '\t' || !c.is_control()));
        let range = start..self.plain.len();
        if range.is_empty() {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.style == style && last.link.as_ref() == link => last.range.end = range.end,
            _ => self.spans.push(Span {
                range,
                style,
                link: link.cloned(),
            }),
        }
    }
}

/// A link's address, when it leads to a web page and nowhere else.
fn safe_address(address: &[u8]) -> Option<String> {
    let address = std::str::from_utf8(address).ok()?;
    let web = ["http://", "https://"].iter().any(|scheme| {
        address.len() > scheme.len()
            && address.is_char_boundary(scheme.len())
            && address[..scheme.len()].eq_ignore_ascii_case(scheme)
    });
    let clean = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    (web && clean && address.len() <= 2083).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(bytes: &[u8]) -> Vec<(String, String)> {
        let parsed = parse(Style::default(), bytes);
        parsed
            .spans
            .iter()
            .map(|span| (parsed.plain[span.range.clone()].to_owned(), span.style.classes()))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn colours_and_styles() {
        assert_eq!(
            spans(b"a\x1b[31mb\x1b[1;4mc\x1b[0md"),
            pairs(&[("a", ""), ("b", "fg1"), ("c", "fg1 bold underline"), ("d", "")])
        );
        assert_eq!(
            spans(b"\x1b[97;44mx\x1b[39;49my"),
            pairs(&[("x", "fg15 bg4"), ("y", "")])
        );
        assert_eq!(
            spans(b"\x1b[38;5;9mx\x1b[m y"),
            pairs(&[("x", "fg9"), (" y", "")])
        );
        assert_eq!(
            spans(b"\x1b[2;3;7mx\x1b[22;23;27my"),
            pairs(&[("x", "dim italic inverse"), ("y", "")])
        );
        assert_eq!(
            spans(b"\x1b[4:3mx\x1b[4:0my"),
            pairs(&[("x", "underline"), ("y", "")])
        );
    }

    #[test]
    fn colours_out_of_the_palette() {
        let style = |bytes: &[u8]| parse(Style::default(), bytes).spans[0].style;
        assert_eq!(style(b"\x1b[38;2;1;2;3mx").foreground, Colour::Rgb(1, 2, 3));
        assert_eq!(style(b"\x1b[38:2::1:2:3mx").foreground, Colour::Rgb(1, 2, 3));
        assert_eq!(style(b"\x1b[48;5;196mx").background, Colour::Rgb(255, 0, 0));
        assert_eq!(style(b"\x1b[38;5;232mx").foreground, Colour::Rgb(8, 8, 8));
        // What cannot be read changes nothing, and what follows still counts.
        assert_eq!(style(b"\x1b[38;2;1;2mx").foreground, Colour::Default);
        assert_eq!(style(b"\x1b[38;5;999;1mx").foreground, Colour::Default);
    }

    #[test]
    fn links_lead_to_web_pages_only() {
        let link = |bytes: &[u8]| parse(Style::default(), bytes).spans[0].link.clone();
        assert_eq!(
            link(b"\x1b]8;id=1;https://example.org/\x1b\\x\x1b]8;;\x1b\\"),
            Some("https://example.org/".into())
        );
        assert_eq!(
            link(b"\x1b]8;;HTTP://example.org\x07x"),
            Some("HTTP://example.org".into())
        );
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "http://a b",
            "file:///etc/passwd",
        ] {
            assert_eq!(link(format!("\x1b]8;;{bad}\x07x").as_bytes()), None, "{bad}");
        }
        let parsed = parse(Style::default(), b"\x1b]8;;https://a.b\x07x\x1b]8;;\x07y");
        assert_eq!(parsed.spans.len(), 2);
        assert_eq!(parsed.spans[1].link, None);
    }

    #[test]
    fn everything_else_is_left_out() {
        let noise: &[u8] =
            b"a\x1b[2Kb\x1b[10;20Hc\x1b]0;title\x07d\x1b(Be\x1bPdata\x1b\\f\x07\x08g\x1b[?25lh\xc2\x9bi\x1b[";
        assert_eq!(plain(noise), "abcdefghi");
        assert_eq!(plain(b"tab\there <b>&amp;"), "tab\there <b>&amp;");
        assert_eq!(plain(b"\xff\xfeok"), "\u{fffd}\u{fffd}ok");
    }

    proptest! {
        #[test]
        fn hostile_rows_are_read_to_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let parsed = parse(Style::default(), &bytes);
            prop_assert!(!parsed.plain.chars().any(|c| c.is_control() && c != '\t'));
            let joined: String = parsed.spans.iter().map(|span| &parsed.plain[span.range.clone()]).collect();
            prop_assert_eq!(&joined, &parsed.plain);
            prop_assert_eq!(plain(&bytes), parsed.plain);
            let _ = style_after(Style::default(), &bytes);
        }

        #[test]
        fn sequences_of_every_kind(
            parts in proptest::collection::vec(
                prop_oneof![
                    "\\x1b\\[[0-9;:?<]{0,12}[ -/]{0,2}[@-~]?",
                    "\\x1b\\][0-9]{0,3};[^\\x00]{0,20}(\\x07|\\x1b\\\\)?",
                    "\\x1b[PX^_][^\\x00]{0,9}",
                    "\\PC{0,6}",
                ],
                0..12,
            ),
        ) {
            let text = parts.concat();
            let parsed = parse(Style::default(), text.as_bytes());
            for span in &parsed.spans {
                prop_assert!(parsed.plain.is_char_boundary(span.range.start));
                prop_assert!(span.link.as_ref().is_none_or(|link| link.to_lowercase().starts_with("http")));
            }
        }
    }
}
