//! Which files we have put into a sandbox, so that only what changed travels.

use model::{FileEntry, FilePath};
use std::collections::{BTreeMap, BTreeSet};

/// The files of an agent as they were last put into a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// SHA-256 by path; none where a file is there in a form we do not know.
    files: BTreeMap<FilePath, Option<String>>,
    /// SHA-256 of the list of packages that was installed.
    pub(crate) packages: Option<String>,
    /// The variables that were set in its environment.
    pub(crate) variables: BTreeSet<String>,
}

/// What has to be done to a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Files to write.
    pub(crate) write: Vec<FilePath>,
    /// Files to remove.
    pub(crate) remove: Vec<FilePath>,
}

impl Difference {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.write.is_empty() && self.remove.is_empty()
    }

    /// In a few words: `3 changed, 1 removed`.
    pub(crate) fn words(&self) -> String {
        match (self.write.len(), self.remove.len()) {
            (0, 0) => "unchanged".to_owned(),
            (written, 0) => format!("{written} changed"),
            (0, removed) => format!("{removed} removed"),
            (written, removed) => format!("{written} changed, {removed} removed"),
        }
    }
}

impl Manifest {
    /// What a sandbox may hold of which nobody remembers the content: everything is written again, and
    /// what is not wanted any more is removed.
    pub(crate) fn unknown(files: impl IntoIterator<Item = FilePath>) -> Self {
        Self {
            files: files.into_iter().map(|path| (path, None)).collect(),
            packages: None,
            variables: BTreeSet::new(),
        }
    }

    /// All that may be there.
    pub(crate) fn paths(&self) -> Vec<FilePath> {
        self.files.keys().cloned().collect()
    }

    /// What has to be done so that the sandbox holds `wanted`.
    pub(crate) fn difference(&self, wanted: &[FileEntry]) -> Difference {
        let has = |entry: &FileEntry| self.files.get(&entry.path) == Some(&Some(entry.sha256.clone()));
        let write = wanted.iter().filter(|entry| !has(entry));
        let remove = self
            .files
            .keys()
            .filter(|path| !wanted.iter().any(|entry| entry.path == **path));
        Difference {
            write: write.map(|entry| entry.path.clone()).collect(),
            remove: remove.cloned().collect(),
        }
    }

    /// Notes that the sandbox holds these files now.
    pub(crate) fn set(&mut self, files: &[FileEntry]) {
        self.files = files
            .iter()
            .map(|entry| (entry.path.clone(), Some(entry.sha256.clone())))
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Millis;

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
    fn only_what_changed_travels() {
        let mut manifest = Manifest::default();
        let first = [
            entry("agent.py", "a"),
            entry("tools/x.py", "b"),
            entry("data.txt", "c"),
        ];
        assert_eq!(manifest.difference(&first).words(), "3 changed");
        manifest.set(&first);
        assert!(manifest.difference(&first).is_empty());
        let second = [
            entry("agent.py", "a2"),
            entry("data.txt", "c"),
            entry("new.py", "d"),
        ];
        let difference = manifest.difference(&second);
        let names = |paths: &[FilePath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&difference.write), ["agent.py", "new.py"]);
        assert_eq!(names(&difference.remove), ["tools/x.py"]);
    }

    #[test]
    fn what_nobody_remembers_is_written_again() {
        let files = [entry("agent.py", "a")];
        let old = ["agent.py", "gone.py"].map(|path| FilePath::parse(path).expect("a path"));
        let difference = Manifest::unknown(old).difference(&files);
        assert_eq!(difference.words(), "1 changed, 1 removed");
    }
}
