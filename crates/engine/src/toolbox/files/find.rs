//! Finding text in files, and files by name.

use std::sync::Arc;

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
        files.push(root);
    }
    let mut found = Vec::new();
    for file in files {
        // A file that went away or cannot be read has no lines to show.
        if let Ok(content) = transfer::read(&live, &file, LARGEST).await {
            lines(&file, &content, &query.pattern, &mut found);
        }
        if found.len() >= MOST {
            break;
        }
    }
    Ok(Answer(found))
}

fn lines(file: &str, content: &[u8], pattern: &str, found: &mut Vec<FoundMatch>) {
    if content[..content.len().min(BINARY_LOOK)].contains(&0) {
        return;
    }
    for (number, line) in String::from_utf8_lossy(content).lines().enumerate() {
        if line.contains(pattern) && found.len() < MOST {
            found.push(FoundMatch {
                file: file.to_owned(),
                line: number as u64 + 1,
                content: line.to_owned(),
            });
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

    #[test]
    fn lines_are_found_by_plain_text_and_binaries_are_not_looked_at() {
        let mut found = Vec::new();
        lines("/a", b"one\nT.DO two\nTODO", "T.DO", &mut found);
        lines("/b", b"T.DO\0", "T.DO", &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].content.as_str()), (2, "T.DO two"));
    }
}
