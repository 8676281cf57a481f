//! `GET /git/history`: the newest commits of what is checked out.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::GitCommitInfo;

use super::command::Git;
use super::{RepositoryQuery, repository};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;

/// Commits told; Daytona's call has no pages.
const MOST: usize = 10_000;
/// Fields of a commit, each ended by a NUL, which no field can hold.
const FORMAT: &str = "--format=tformat:%H%x00%an%x00%ae%x00%aI%x00%B";
const FIELDS: usize = 5;

pub(super) async fn history(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<RepositoryQuery>,
) -> Result<Answer<Vec<GitCommitInfo>>, Fault> {
    let folder = repository(&live, &query.path).await?;
    let outcome = Git::new(&live, &folder, &["log", "-z", FORMAT])
        .argument(format!("--max-count={MOST}"))
        .outcome()
        .await?;
    let none_yet = outcome.exit_code == 128
        && String::from_utf8_lossy(&outcome.messages).contains("does not have any commits yet");
    if none_yet {
        return Ok(Answer(Vec::new()));
    }
    Ok(Answer(read(&outcome.success()?)))
}

fn read(printed: &[u8]) -> Vec<GitCommitInfo> {
    let fields: Vec<&[u8]> = printed.split(|byte| *byte == 0).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields
        .chunks_exact(FIELDS)
        .map(|commit| GitCommitInfo {
            hash: text(commit[0]),
            author: text(commit[1]),
            email: text(commit[2]),
            timestamp: text(commit[3]),
            message: text(commit[4]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commits_are_read() {
        let printed = b"h1\0Me\0me@x\x002026-01-02T03:04:05Z\0second\n\nlonger\n\0h2\0\xff\0\x00t\0first\n\0";
        let commits = read(printed);
        assert_eq!(commits.len(), 2);
        assert_eq!(commits[0].message, "second\n\nlonger\n");
        assert_eq!(
            (commits[1].author.as_str(), commits[1].email.as_str()),
            ("\u{FFFD}", "")
        );
        assert!(read(b"").is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(printed in proptest::collection::vec(any::<u8>(), 0..300)) {
            let nuls = printed.iter().filter(|byte| **byte == 0).count();
            prop_assert_eq!(read(&printed).len(), (nuls + 1) / FIELDS);
        }
    }
}
