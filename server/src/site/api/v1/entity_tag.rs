//! Entity tags of files, and the conditions a request makes with them (RFC
//! 9110): change only what I have seen, make only what is new, send only what
//! I do not have. A tag is of the version and the content, because a file that
//! is deleted and made again counts its versions from 1 again.

use super::super::super::refusal::Refusal;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use model::FileEntry;

/// The tag of a file.
pub fn tag_of(entry: &FileEntry) -> String {
    let start = entry.sha256.get(..16).unwrap_or(&entry.sha256);
    format!("\"{}-{start}\"", entry.version)
}

/// The tag as a header.
pub fn header_of(entry: &FileEntry) -> HeaderValue {
    HeaderValue::from_str(&tag_of(entry)).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the client has this file as it is: then it need not be sent.
pub fn is_known(headers: &HeaderMap, entry: &FileEntry) -> bool {
    named(headers, &header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.iter().any(|tag| tag == "*" || weak(tag) == tag_of(entry)))
}

/// Refuses a change under a condition that does not hold. `entry` is the file as it is; none when there is none.
pub fn check(headers: &HeaderMap, entry: Option<&FileEntry>) -> Result<(), Refusal> {
    let fits = |tags: &[String]| {
        entry.is_some_and(|entry| tags.iter().any(|tag| tag == "*" || *tag == tag_of(entry)))
    };
    if let Some(tags) = named(headers, &header::IF_MATCH)
        && !fits(&tags)
    {
        return Err(Refusal::precondition_failed(match entry {
            Some(entry) => format!(
                "{} is not what If-Match names: somebody else saved it. Its ETag is {} now; get it, and decide again.",
                entry.path,
                tag_of(entry)
            ),
            None => "The file is not there any more, so it is not what If-Match names.".to_owned(),
        }));
    }
    if let Some(tags) = named(headers, &header::IF_NONE_MATCH)
        && fits(&tags)
    {
        return Err(Refusal::precondition_failed(
            "There is such a file already, and If-None-Match says that there must not be.".to_owned(),
        ));
    }
    Ok(())
}

/// The tags a header names.
fn named(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let texts = values.filter_map(|value| value.to_str().ok());
    Some(
        texts
            .flat_map(|text| text.split(','))
            .map(|tag| tag.trim().to_owned())
            .collect(),
    )
}

/// A tag without the mark that it is weak.
fn weak(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{FilePath, Millis};

    #[test]
    fn conditions() {
        let entry = FileEntry {
            path: FilePath::parse("a").expect("a path"),
            sha256: "ab".repeat(32),
            size: 1,
            version: 3,
            updated_at: Millis(0),
        };
        let tag = tag_of(&entry);
        assert_eq!(tag, "\"3-abababababababab\"");
        let checked = |name: &'static str, value: &str, entry: Option<&FileEntry>| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            check(&headers, entry).is_ok()
        };
        assert!(checked("if-match", &tag, Some(&entry)) && checked("if-match", "*", Some(&entry)));
        assert!(checked("if-match", &format!("\"x\", {tag}"), Some(&entry)));
        assert!(!checked("if-match", "\"3\"", Some(&entry)) && !checked("if-match", "*", None));
        assert!(!checked("if-match", &format!("W/{tag}"), Some(&entry)));
        assert!(checked("if-none-match", "*", None) && !checked("if-none-match", "*", Some(&entry)));
        assert!(checked("x", "y", None));
    }
}
