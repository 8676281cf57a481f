//! The rows of the tree, worked out of a flat list of paths.

use model::FileEntry;
use std::collections::BTreeSet;

/// What happened to a file since the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Nothing, or there was no run.
    None,
    /// It was changed.
    Modified,
    /// It is new.
    Added,
}

/// A row of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The whole path.
    pub path: String,
    /// Its last name.
    pub name: String,
    /// How deep it is; 0 at the top.
    pub depth: usize,
    /// Whether it is a folder, and whether that is open.
    pub folder: Option<bool>,
    /// What happened to it since the last run.
    pub mark: Mark,
}

/// The rows to show, folders first, those in closed folders left out.
/// `last` are the files of the last run's revision, if there was a run.
#[must_use]
pub fn rows(files: &[FileEntry], last: Option<&[FileEntry]>, closed: &BTreeSet<String>) -> Vec<Row> {
    let mut rows = Vec::with_capacity(files.len());
    folder("", 0, files, last, closed, &mut rows);
    rows
}

fn folder(
    prefix: &str,
    depth: usize,
    files: &[FileEntry],
    last: Option<&[FileEntry]>,
    closed: &BTreeSet<String>,
    rows: &mut Vec<Row>,
) {
    let inside = files
        .iter()
        .filter_map(|entry| Some((entry, entry.path.as_str().strip_prefix(prefix)?)));
    let mut folders: Vec<&str> = Vec::new();
    let mut here: Vec<(&FileEntry, &str)> = Vec::new();
    for (entry, rest) in inside {
        match rest.split_once('/') {
            Some((name, _)) if !folders.contains(&name) => folders.push(name),
            Some(_) => {}
            None => here.push((entry, rest)),
        }
    }
    folders.sort_by_key(|name| name.to_lowercase());
    here.sort_by_key(|(_, name)| name.to_lowercase());
    for name in folders {
        let path = format!("{prefix}{name}");
        let open = !closed.contains(&path);
        let inner = format!("{path}/");
        rows.push(Row {
            path,
            name: name.to_owned(),
            depth,
            folder: Some(open),
            mark: Mark::None,
        });
        if open {
            folder(&inner, depth + 1, files, last, closed, rows);
        }
    }
    for (entry, name) in here {
        let mark = match last {
            None => Mark::None,
            Some(last) => match last.iter().find(|then| then.path == entry.path) {
                None => Mark::Added,
                Some(then) if then.sha256 != entry.sha256 => Mark::Modified,
                Some(_) => Mark::None,
            },
        };
        rows.push(Row {
            path: entry.path.to_string(),
            name: name.to_owned(),
            depth,
            folder: None,
            mark,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{FilePath, Millis};

    fn entry(path: &str, sha256: &str) -> FileEntry {
        FileEntry {
            path: FilePath::parse(path).expect("a path"),
            sha256: sha256.to_owned(),
            size: 1,
            version: 1,
            updated_at: Millis(0),
        }
    }

    #[test]
    fn folders_come_first_and_close() {
        let files = [
            entry("agent.py", "1"),
            entry("tools/search.py", "2"),
            entry("tools/deep/x.py", "3"),
            entry("README.md", "4"),
        ];
        let shown = |closed: &[&str]| -> Vec<String> {
            let closed = closed.iter().map(|path| (*path).to_owned()).collect();
            rows(&files, None, &closed)
                .iter()
                .map(|row| format!("{}{}", " ".repeat(row.depth), row.name))
                .collect()
        };
        assert_eq!(
            shown(&[]),
            ["tools", " deep", "  x.py", " search.py", "agent.py", "README.md"]
        );
        assert_eq!(
            shown(&["tools/deep"]),
            ["tools", " deep", " search.py", "agent.py", "README.md"]
        );
        assert_eq!(shown(&["tools"]), ["tools", "agent.py", "README.md"]);
    }

    #[test]
    fn what_changed_since_the_last_run_is_marked() {
        let last = [entry("a.py", "1"), entry("b.py", "2")];
        let files = [entry("a.py", "1"), entry("b.py", "changed"), entry("c.py", "3")];
        let marks: Vec<_> = rows(&files, Some(&last), &BTreeSet::new())
            .iter()
            .map(|row| row.mark)
            .collect();
        assert_eq!(marks, [Mark::None, Mark::Modified, Mark::Added]);
    }
}
