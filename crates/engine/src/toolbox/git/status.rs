//! `GET /git/status`, from git's second status format for programs.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::{GitFileState, GitFileStatus, GitStatus};

use super::command::Git;
use super::{RepositoryQuery, repository};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;

/// Files told; a work tree with more is told to be too large.
const MOST: usize = 100_000;

pub(super) async fn status(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<RepositoryQuery>,
) -> Result<Answer<GitStatus>, Fault> {
    let folder = repository(&live, &query.path).await?;
    let arguments = [
        "status",
        "--porcelain=v2",
        "-z",
        "--branch",
        "--untracked-files=all",
    ];
    let printed = Git::new(&live, &folder, &arguments)
        // A look must not hold up the work of others.
        .variable("GIT_OPTIONAL_LOCKS", "0")
        .run()
        .await?;
    read(&printed).map(Answer)
}

/// Reads git's answer. Entries of kinds that are not known are passed over.
fn read(printed: &[u8]) -> Result<GitStatus, Fault> {
    let mut status = GitStatus {
        branch_published: Some(false),
        detached: Some(false),
        ..GitStatus::default()
    };
    let mut entries = printed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    while let Some(entry) = entries.next() {
        let entry = String::from_utf8_lossy(entry);
        let Some((kind, rest)) = entry.split_once(' ') else {
            continue;
        };
        let file = match kind {
            "#" => {
                header(&mut status, rest);
                continue;
            }
            "?" => Some(file(rest, GitFileState::Untracked, GitFileState::Untracked)),
            "1" => changed(rest, 7),
            "2" => changed(rest, 8).map(|mut file| {
                // The next entry is the name it had.
                file.extra = entries.next().map_or(String::new(), lossy);
                file
            }),
            "u" => rest
                .splitn(10, ' ')
                .nth(9)
                .map(|name| file(name, GitFileState::Unmerged, GitFileState::Unmerged)),
            _ => None,
        };
        status.file_status.extend(file);
        if status.file_status.len() > MOST {
            return Err(Fault::bad_request(format!(
                "More than {MOST} files differ; ignore some of them (.gitignore)."
            )));
        }
    }
    Ok(status)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn header(status: &mut GitStatus, line: &str) {
    match line.split_once(' ') {
        Some(("branch.head", "(detached)")) => {
            status.current_branch = "HEAD".to_owned();
            status.detached = Some(true);
        }
        Some(("branch.head", branch)) => status.current_branch = branch.to_owned(),
        Some(("branch.upstream", upstream)) => {
            status.upstream = Some(upstream.to_owned());
            status.branch_published = Some(true);
        }
        Some(("branch.ab", counts)) => {
            let mut counts = counts.split(' ');
            let mut count = |sign| counts.next()?.strip_prefix(sign)?.parse().ok();
            status.ahead = count('+');
            status.behind = count('-');
        }
        _ => {}
    }
}

/// `XY` and, after so many words, the name.
fn changed(rest: &str, words: usize) -> Option<GitFileStatus> {
    let mut parts = rest.splitn(words + 1, ' ');
    let mut states = parts.next()?.chars().map(state);
    let (staging, worktree) = (states.next()?, states.next()?);
    Some(file(parts.nth(words - 1)?, staging, worktree))
}

fn file(name: &str, staging: GitFileState, worktree: GitFileState) -> GitFileStatus {
    GitFileStatus {
        name: name.to_owned(),
        extra: String::new(),
        staging,
        worktree,
    }
}

fn state(letter: char) -> GitFileState {
    match letter {
        '.' => GitFileState::Unmodified,
        'A' => GitFileState::Added,
        'D' => GitFileState::Deleted,
        'R' => GitFileState::Renamed,
        'C' => GitFileState::Copied,
        'U' => GitFileState::Unmerged,
        '?' => GitFileState::Untracked,
        // Also a change of type, such as from a file to a link.
        _ => GitFileState::Modified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gits_format_is_read() {
        let printed =
            b"# branch.oid abc\0# branch.head main\0# branch.upstream origin/main\0# branch.ab +2 -1\0\
            1 .M N... 100644 100644 100644 a b with space.txt\0\
            1 A. N... 000000 100644 100644 a b added\0\
            1 .T N... 100644 100644 120000 a b link\0\
            2 R. N... 100644 100644 100644 a b R100 new name\0old name\0\
            u UU N... 100644 100644 100644 100644 a b c both\0\
            ? d/un tracked\0! ignored\0x odd\0";
        let status = read(printed).unwrap();
        assert_eq!(status.current_branch, "main");
        assert_eq!((status.ahead, status.behind), (Some(2), Some(1)));
        assert_eq!(status.upstream.as_deref(), Some("origin/main"));
        assert_eq!(
            (status.branch_published, status.detached),
            (Some(true), Some(false))
        );
        use GitFileState::{Added, Modified, Renamed, Unmerged, Unmodified, Untracked};
        let short: Vec<_> = status
            .file_status
            .iter()
            .map(|file| {
                (
                    file.name.as_str(),
                    file.extra.as_str(),
                    file.staging,
                    file.worktree,
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("with space.txt", "", Unmodified, Modified),
                ("added", "", Added, Unmodified),
                ("link", "", Unmodified, Modified),
                ("new name", "old name", Renamed, Unmodified),
                ("both", "", Unmerged, Unmerged),
                ("d/un tracked", "", Untracked, Untracked),
            ]
        );
        let detached = read(b"# branch.head (detached)\0").unwrap();
        assert_eq!(
            (detached.current_branch.as_str(), detached.detached),
            ("HEAD", Some(true))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(printed in proptest::collection::vec(any::<u8>(), 0..400)) {
            read(&printed).unwrap();
        }

        #[test]
        fn any_name_is_read_back(name in "[^\0 ][^\0]{0,30}", renamed in any::<bool>()) {
            let printed = if renamed {
                format!("2 R. N... 1 2 3 a b R9 {name}\0{name} before\0")
            } else {
                format!("1 M. N... 1 2 3 a b {name}\0")
            };
            let status = read(printed.as_bytes()).unwrap();
            prop_assert_eq!(&status.file_status[0].name, &name);
        }
    }
}
