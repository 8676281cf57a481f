//! Texts of the document as HTML.

/// A text in which nothing is HTML any more.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Paragraphs, with what stands in backquotes as code.
pub fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    paragraphs.map(|text| format!("<p>{}</p>", line(text))).collect()
}

/// The same without paragraphs.
pub fn line(text: &str) -> String {
    let mut html = String::new();
    for (index, piece) in text.trim().split('`').enumerate() {
        if index % 2 == 1 {
            html.push_str(&format!("<code>{}</code>", escaped(piece)));
        } else {
            html.push_str(&escaped(piece));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_html_by_itself() {
        assert_eq!(
            prose("a `<b>` & \"c\"\n\nd"),
            "<p>a <code>&lt;b&gt;</code> &amp; &quot;c&quot;</p><p>d</p>"
        );
    }
}
