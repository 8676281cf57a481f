//! The shelves on disk: `packages/<organization>/<tree>`, and the book of what
//! is on them.
//!
//! What is inside a tree was written by programs: it is moved and removed as a
//! whole, and nothing in it is ever opened here.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sandbox::disk_use;
use crate::{clock, leftovers, lock};

const BOOK: &str = "book.json";

/// What is known of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tree {
    bytes: u64,
    used_ms: i64,
}

/// By the shelf's folder and the tree's key.
type Book = BTreeMap<String, BTreeMap<String, Tree>>;

#[derive(Debug)]
pub(super) struct Shelves {
    folder: PathBuf,
    limit: u64,
    book: Mutex<Book>,
}

impl Shelves {
    pub(super) fn open(folder: PathBuf, limit: u64) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&folder)?;
        let mut book: Book = fs::read(folder.join(BOOK))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        // What the book and the disk do not agree on was half done.
        for (shelf, trees) in &mut book {
            trees.retain(|key, _| folder.join(shelf).join(key).is_dir());
        }
        for shelf in fs::read_dir(&folder)?
            .flatten()
            .filter(|entry| entry.path().is_dir())
        {
            let known = shelf.file_name().to_str().and_then(|name| book.get(name));
            for tree in fs::read_dir(shelf.path())?.flatten() {
                let is_known = known.is_some_and(|trees| {
                    tree.file_name()
                        .to_str()
                        .is_some_and(|key| trees.contains_key(key))
                });
                if !is_known {
                    leftovers::remove(&tree.path());
                }
            }
        }
        Ok(Self {
            folder,
            limit,
            book: Mutex::new(book),
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, book: &Book) {
        let text = serde_json::to_vec_pretty(book).expect("a book of plain fields serializes");
        if let Err(error) = lock::replace(&self.folder.join(BOOK), &text) {
            tracing::error!(%error, "the book of the shelves could not be written");
        }
    }

    /// An organization's shelf, made when it is first asked for; none when
    /// nothing is kept.
    pub(super) fn shelf(&self, organization: &str) -> Option<PathBuf> {
        if self.limit == 0 {
            return None;
        }
        let shelf = self.folder.join(name(organization));
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(&shelf);
        if let Err(error) = made {
            tracing::error!(%error, "a shelf for packages could not be made");
            return None;
        }
        Some(shelf)
    }

    /// Where a tree is, or would be.
    pub(super) fn tree(&self, organization: &str, key: &str) -> Option<PathBuf> {
        self.shelf(organization).map(|shelf| shelf.join(key))
    }

    /// Whether a tree is there; it then counts as used now.
    pub(super) fn find(&self, organization: &str, key: &str) -> bool {
        let mut book = self.book();
        let tree = book
            .get_mut(&name(organization))
            .and_then(|trees| trees.get_mut(key));
        let Some(tree) = tree else { return false };
        tree.used_ms = clock::now_ms();
        self.write(&book);
        true
    }

    /// Takes the home in which packages were installed as a tree, and makes
    /// room for it.
    pub(super) fn put(
        &self,
        organization: &str,
        key: &str,
        home: &Path,
        in_use: &[String],
    ) -> io::Result<()> {
        let (bytes, _) = disk_use(home);
        let place = self
            .tree(organization, key)
            .ok_or_else(|| io::Error::other("nothing is kept"))?;
        let shelf = name(organization);
        let mut book = self.book();
        while total(&book) + bytes > self.limit {
            let Some((shelf, key)) = oldest(&book, in_use) else {
                return Err(io::Error::other(format!(
                    "they take {bytes} bytes, and there is no room for them; raise PITLANE_PACKAGES_MB, or delete sandboxes"
                )));
            };
            if let Some(trees) = book.get_mut(&shelf) {
                trees.remove(&key);
            }
            self.remove(&self.folder.join(shelf).join(key))?;
        }
        fs::rename(home, &place)?;
        let used_ms = clock::now_ms();
        book.entry(shelf)
            .or_default()
            .insert(key.to_owned(), Tree { bytes, used_ms });
        self.write(&book);
        Ok(())
    }

    /// Removes a tree: out of sight first, so that nobody finds half of it.
    fn remove(&self, tree: &Path) -> io::Result<()> {
        let away = self
            .folder
            .join(format!("away-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&away)?;
        fs::rename(tree, away.join("tree"))?;
        std::thread::spawn(move || leftovers::remove(&away));
        Ok(())
    }
}

/// The folder of an organization's shelf. Its id may hold anything.
fn name(organization: &str) -> String {
    hex::encode(&Sha256::digest(organization)[..12])
}

fn total(book: &Book) -> u64 {
    book.values()
        .flat_map(BTreeMap::values)
        .map(|tree| tree.bytes)
        .sum()
}

/// The tree that was not used for longest and that nobody has.
fn oldest(book: &Book, in_use: &[String]) -> Option<(String, String)> {
    let all = book
        .iter()
        .flat_map(|(shelf, trees)| trees.iter().map(move |(key, tree)| (shelf, key, tree)));
    all.filter(|(_, key, _)| !in_use.contains(key))
        .min_by_key(|(_, _, tree)| tree.used_ms)
        .map(|(shelf, key, _)| (shelf.clone(), key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(folder: &Path, name: &str, bytes: usize) -> PathBuf {
        let home = folder.join(name);
        fs::create_dir_all(home.join("lib")).unwrap();
        fs::write(home.join("lib/content"), vec![1; bytes]).unwrap();
        home
    }

    #[test]
    fn trees_are_found_again_and_apart() {
        let data = tempfile::tempdir().unwrap();
        let open = || Shelves::open(data.path().join("packages"), 1 << 20).unwrap();
        let shelves = open();
        assert!(!shelves.find("a", "key"));
        shelves
            .put("a", "key", &home(data.path(), "home", 1000), &[])
            .unwrap();
        assert!(shelves.find("a", "key") && !shelves.find("b", "key"));
        let half_done = shelves.shelf("a").unwrap().join("other");
        fs::create_dir(&half_done).unwrap();
        let again = open();
        assert!(again.find("a", "key") && !half_done.exists());
        fs::remove_dir_all(again.tree("a", "key").unwrap()).unwrap();
        assert!(!open().find("a", "key"));
    }

    #[test]
    fn the_least_used_goes_but_never_one_that_is_in_use() {
        let data = tempfile::tempdir().unwrap();
        let shelves = Shelves::open(data.path().join("packages"), 300_000).unwrap();
        let put =
            |key: &str, in_use: &[String]| shelves.put("a", key, &home(data.path(), key, 100_000), in_use);
        put("first", &[]).unwrap();
        put("second", &[]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(shelves.find("a", "first"));
        put("third", &[]).unwrap();
        assert!(shelves.find("a", "first") && !shelves.find("a", "second"));
        let all = ["first".to_owned(), "third".to_owned()];
        let why = put("fourth", &all).unwrap_err().to_string();
        assert!(why.contains("no room"), "{why}");
        assert!(shelves.find("a", "first") && shelves.find("a", "third"));
    }

    #[test]
    fn no_limit_means_no_shelf() {
        let data = tempfile::tempdir().unwrap();
        assert!(
            Shelves::open(data.path().join("packages"), 0)
                .unwrap()
                .shelf("a")
                .is_none()
        );
    }
}
