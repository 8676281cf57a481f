//! Names of documents: Daytona's clients write `file://` and the path as it is;
//! the protocol wants an absolute path with everything unusual encoded.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::registry::Live;

const SCHEME: &str = "file://";
/// What stays as it is in the path of a name.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// Documents that may be open at the same time.
const MOST: usize = 1000;

/// A document as both sides call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// The absolute path inside.
    pub path: String,
    /// The server's name of it.
    pub uri: String,
    /// The client's.
    pub given: String,
}

impl Document {
    pub(super) fn new(live: &Live, given: &str) -> Self {
        let path = live.resolve(given.strip_prefix(SCHEME).unwrap_or(given));
        Self {
            uri: uri(&path),
            path,
            given: given.to_owned(),
        }
    }
}

/// The protocol's name of a path.
pub(super) fn uri(path: &str) -> String {
    format!("{SCHEME}{}", utf8_percent_encode(path, ENCODED))
}

/// The path of a server's name, if it is one of a file.
fn path(uri: &str) -> Option<String> {
    let encoded = uri.strip_prefix(SCHEME)?;
    Some(percent_decode_str(encoded).decode_utf8_lossy().into_owned())
}

/// The open documents of one server, by the server's names.
#[derive(Debug, Default)]
pub(super) struct Documents(BTreeMap<String, Document>);

impl Documents {
    /// Notes one as open; `false` when there are too many.
    pub(super) fn open(&mut self, document: Document) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(&document.uri) {
            return false;
        }
        self.0.insert(document.uri.clone(), document);
        true
    }

    pub(super) fn close(&mut self, uri: &str) -> bool {
        self.0.remove(uri).is_some()
    }

    pub(super) fn is_open(&self, uri: &str) -> bool {
        self.0.contains_key(uri)
    }

    pub(super) fn all(&self) -> Vec<Document> {
        self.0.values().cloned().collect()
    }

    /// A server's name in the client's words.
    pub(super) fn given(&self, uri: &str) -> String {
        match self.0.get(uri) {
            Some(document) => document.given.clone(),
            None => path(uri).map_or_else(|| uri.to_owned(), |path| format!("{SCHEME}{path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_path_survives_its_name(parts in prop::collection::vec("[^/\0]{1,20}", 1..5)) {
            let whole = format!("/{}", parts.join("/"));
            let name = uri(&whole);
            prop_assert!(name.is_ascii() && !name.contains(' '));
            let back = path(&name);
            prop_assert_eq!(back.as_deref(), Some(whole.as_str()));
        }
    }

    #[test]
    fn names_come_back_as_they_were_given() {
        let mut documents = Documents::default();
        documents.open(Document {
            path: "/home/daytona/a b.py".into(),
            uri: uri("/home/daytona/a b.py"),
            given: "file://a b.py".into(),
        });
        assert_eq!(documents.given("file:///home/daytona/a%20b.py"), "file://a b.py");
        assert_eq!(documents.given("file:///x%20y.py"), "file:///x y.py");
        assert_eq!(documents.given("untitled:1"), "untitled:1");
    }
}
