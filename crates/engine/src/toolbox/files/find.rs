//! Finding text in files, and files by name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use daytona::{FoundMatch, SearchResponse};
use globset::GlobBuilder;

use super::{transfer, walk};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::FileKind;

/// Files larger than this are passed over by `find`.
const LARGEST: u64 = 32 << 20;
/// Lines found before `find` is content.
const MOST: usize = 10_000;
/// Bytes of them and of their files' names before it is.
const MOST_BYTES: usize = 16 << 20;
/// A longer line is shown as far as this.
const LONGEST_LINE: usize = 64 << 10;
/// How long `find` may read.
const TIME: Duration = Duration::from_secs(120);
/// A NUL byte in so many first bytes makes a file binary.
const BINARY_LOOK: usize = 512;

#[derive(serde::Deserialize)]
pub(super) struct PatternQuery {
    #[serde(default)]
    path: String,
    pattern: String,
}

pub(super) async fn find(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<PatternQuery>,
) -> Result<Answer<Vec<FoundMatch>>, Fault> {
    let root = live.resolve(&query.path);
    let mut files = Vec::new();
    if live.sandbox.stat(&root).await?.kind == FileKind::Folder {
        walk::walk(&live, &root, u32::MAX, |path, entry| {
            if entry.stat.kind == FileKind::File && entry.stat.size <= LARGEST {
                files.push(path.to_owned());
            }
            Ok(())
        })
        .await?;
    } else {
        // One that was named alone is refused when it cannot be read.
        transfer::check(&live, &root).await?;
        files.push(root.clone());
    }
    let finder = memchr::memmem::Finder::new(query.pattern.as_bytes());
    let deadline = Instant::now() + TIME;
    let mut found = Found::default();
    for file in files {
        if found.is_full() {
            break;
        }
        if Instant::now() > deadline {
            return Err(Fault::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "{root} could not be searched within {} s; name a folder further down.",
                    TIME.as_secs()
                ),
            ));
        }
        // A file that went away or cannot be read has no lines to show.
        if let Ok(content) = transfer::read(&live, &file, LARGEST).await {
            found.add(&file, &content, &finder);
        }
    }
    Ok(Answer(found.lines))
}

#[derive(Default)]
struct Found {
    lines: Vec<FoundMatch>,
    bytes: usize,
}

impl Found {
    fn is_full(&self) -> bool {
        self.lines.len() >= MOST || self.bytes >= MOST_BYTES
    }

    /// Adds the lines of a text that hold the pattern, which is none of bytes
    /// that end a line.
    fn add(&mut self, file: &str, content: &[u8], finder: &memchr::memmem::Finder<'_>) {
        if content[..content.len().min(BINARY_LOOK)].contains(&0) || finder.needle().contains(&b'\n') {
            return;
        }
        let (mut start, mut number) = (0, 1);
        while start < content.len()
            && !self.is_full()
            && let Some(at) = finder.find(&content[start..])
        {
            let passed = &content[start..start + at];
            number += memchr::memchr_iter(b'\n', passed).count() as u64;
            let begin = start + memchr::memrchr(b'\n', passed).map_or(0, |place| place + 1);
            if begin == content.len() {
                // An empty pattern, and nothing after the last line's end.
                return;
            }
            let end = memchr::memchr(b'\n', &content[begin..]).map_or(content.len(), |length| begin + length);
            let line = content[begin..end]
                .strip_suffix(b"\r")
                .unwrap_or(&content[begin..end]);
            let shown = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]).into_owned();
            self.bytes += shown.len() + file.len();
            self.lines.push(FoundMatch {
                file: file.to_owned(),
                line: number,
                content: shown,
            });
            start = end + 1;
            number += 1;
        }
    }
}

pub(super) async fn search(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<PatternQuery>,
) -> Result<Answer<SearchResponse>, Fault> {
    let glob = GlobBuilder::new(&query.pattern)
        .backslash_escape(true)
        .build()
        .map_err(|error| Fault::bad_request(format!("The pattern cannot be used: {error}.")))?
        .compile_matcher();
    let mut files = Vec::new();
    walk::walk(&live, &live.resolve(&query.path), u32::MAX, |path, entry| {
        if glob.is_match(&entry.name) {
            files.push(path.to_owned());
        }
        Ok(())
    })
    .await?;
    Ok(Answer(SearchResponse { files }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(content: &[u8], pattern: &str) -> Vec<(u64, String)> {
        let mut found = Found::default();
        found.add("/a", content, &memchr::memmem::Finder::new(pattern.as_bytes()));
        let lines = found.lines.into_iter();
        lines.map(|line| (line.line, line.content)).collect()
    }

    #[test]
    fn lines_are_found_by_plain_text_and_binaries_are_not_looked_at() {
        let content = b"one\nT.DO two T.DO\r\nTODO\n\n\xffT.DO";
        assert_eq!(
            found(content, "T.DO"),
            [(2, "T.DO two T.DO".to_owned()), (5, "\u{FFFD}T.DO".to_owned())]
        );
        assert_eq!(found(b"T.DO\0", "T.DO"), []);
        assert_eq!(found(b"a\nb", "a\nb"), []);
        assert_eq!(found(b"", ""), []);
    }

    #[test]
    fn what_is_found_is_bounded() {
        let long = found(&b"x".repeat(LONGEST_LINE + 5), "x");
        assert_eq!((long.len(), long[0].1.len()), (1, LONGEST_LINE));
        assert_eq!(found(&b"x\n".repeat(MOST + 5), "x").len(), MOST);
        let wide = b"x".repeat(LONGEST_LINE - 1);
        let lines = [wide.as_slice(), b"\n"]
            .concat()
            .repeat(MOST_BYTES / LONGEST_LINE + 5);
        let bytes: usize = found(&lines, "x").iter().map(|line| line.1.len()).sum();
        assert!(bytes < MOST_BYTES + LONGEST_LINE);
    }

    proptest! {
        #[test]
        fn it_finds_what_looking_at_each_line_finds(content in "[ab\n\r]{0,40}", pattern in "[ab]{0,3}") {
            let expected: Vec<_> = content
                .split_inclusive('\n')
                .enumerate()
                .map(|(at, line)| (at as u64 + 1, line.strip_suffix('\n').unwrap_or(line)))
                .map(|(at, line)| (at, line.strip_suffix('\r').unwrap_or(line)))
                .filter(|(_, line)| line.contains(&pattern))
                .map(|(at, line)| (at, line.to_owned()))
                .collect();
            prop_assert_eq!(found(content.as_bytes(), &pattern), expected);
        }
    }
}
