//! What is known about files: `GET /files` and `GET /files/info`.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::FileInfo;

use super::{PathQuery, walk};
use crate::body::Query;
use crate::clock;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{FileKind, FileStat};

#[derive(serde::Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    path: String,
    depth: Option<u32>,
}

pub(super) async fn list(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Vec<FileInfo>>, Fault> {
    let depth = query.depth.unwrap_or(1);
    if depth == 0 {
        return Err(Fault::bad_request("depth must be at least 1"));
    }
    let mut found = Vec::new();
    walk::walk(&live, &live.resolve(&query.path), depth, |path, entry| {
        found.push(describe(&entry.name, path, &entry.stat));
        Ok(())
    })
    .await?;
    Ok(Answer(found))
}

pub(super) async fn info(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<PathQuery>,
) -> Result<Answer<FileInfo>, Fault> {
    let path = live.resolve(&query.path);
    let stat = live.sandbox.stat(&path).await?;
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or("/");
    Ok(Answer(describe(name, &path, &stat)))
}

fn describe(name: &str, path: &str, stat: &FileStat) -> FileInfo {
    FileInfo {
        name: name.to_owned(),
        size: stat.size,
        mode: letters(stat.kind, stat.mode),
        mod_time: clock::go_time(stat.modified_ms),
        modified_at: Some(clock::rfc3339(stat.modified_ms)),
        is_dir: stat.kind == FileKind::Folder,
        owner: stat.uid.to_string(),
        group: stat.gid.to_string(),
        permissions: format!("{:04o}", stat.mode & 0o7777),
        path: Some(path.to_owned()),
    }
}

/// The mode as `ls` shows it.
fn letters(kind: FileKind, mode: u32) -> String {
    let first = match kind {
        FileKind::File => '-',
        FileKind::Folder => 'd',
        FileKind::Link => 'L',
        FileKind::Special => 'p',
    };
    let bits = (0..9).map(|bit| {
        let set = mode & (0o400 >> bit) != 0;
        if set { ['r', 'w', 'x'][bit % 3] } else { '-' }
    });
    std::iter::once(first).chain(bits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_does() {
        assert_eq!(letters(FileKind::File, 0o644), "-rw-r--r--");
        assert_eq!(letters(FileKind::Folder, 0o1751), "drwxr-x--x");
    }
}
