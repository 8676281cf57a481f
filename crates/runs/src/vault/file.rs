//! The master key in a file of the data folder.
//!
//! A change of the key writes the new one beside the old first, then seals
//! everything anew in one transaction, then puts the new file in the place of
//! the old: whenever that is interrupted, each value has its key in one of the
//! two files, and the next change of the key goes on from there.

use super::{MasterKey, Vault};
use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1024;

/// Where a master key is kept.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The one of this data folder.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self {
            path: data.join("master.key"),
        }
    }

    fn next(&self) -> PathBuf {
        self.path.with_extension("key.next")
    }

    /// The vault with the key of the file, which is made when there is none yet.
    ///
    /// # Errors
    /// When the file cannot be read or made, or others can read it.
    pub fn open(&self) -> io::Result<Vault> {
        let key = match read(&self.path)? {
            Some(key) => key,
            None => {
                let key = MasterKey::generate().map_err(io::Error::other)?;
                write(&self.path, &key)?;
                key
            }
        };
        Ok(match read(&self.next())? {
            Some(next) => Vault::with_other(key, next),
            None => Vault::new(key),
        })
    }

    /// Begins a change of the key, or goes on with one: gives the vault to seal everything anew with.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn begin_change(&self) -> io::Result<Vault> {
        let key = self.open()?.key;
        let next = match read(&self.next())? {
            Some(next) => next,
            None => {
                let next = MasterKey::generate().map_err(io::Error::other)?;
                write(&self.next(), &next)?;
                next
            }
        };
        Ok(Vault::with_other(next, key))
    }

    /// Ends the change: everything is sealed with the new key.
    ///
    /// # Errors
    /// When the file cannot be put in its place.
    pub fn finish_change(&self) -> io::Result<()> {
        fs::rename(self.next(), &self.path)?;
        sync_folder(&self.path)
    }
}

fn explained(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> io::Result<Option<MasterKey>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(explained(path, &error)),
    };
    let mode = file.metadata()?.mode();
    if mode & 0o077 != 0 {
        let words = format!("others can read it; run chmod 600 {}", path.display());
        return Err(explained(path, &words));
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| explained(path, &error))?;
    MasterKey::parse(&text)
        .map(Some)
        .map_err(|error| explained(path, &error))
}

/// Never a part of a key, whenever this is interrupted.
fn write(path: &Path, key: &MasterKey) -> io::Result<()> {
    let part = path.with_extension("part");
    let written = || {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&part)?;
        writeln!(file, "{}", key.to_text())?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        sync_folder(path)
    };
    written().map_err(|error| explained(path, &error))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_key_is_made_once_and_nobody_else_may_read_it() {
        let data = tempfile::tempdir().expect("a folder");
        let file = KeyFile::of(data.path());
        let sealed = file.open().expect("made").seal("a", "value").expect("sealed");
        let path = data.path().join("master.key");
        assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
        assert_eq!(
            file.open().expect("read").open("a", &sealed).expect("open"),
            "value"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        let words = file.open().expect_err("others can read it").to_string();
        assert!(words.contains("chmod 600"), "{words}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
        fs::write(&path, "half a ke").expect("written");
        assert!(
            file.open().is_err(),
            "a key that cannot be read is never replaced"
        );
    }

    #[test]
    fn a_change_goes_on_where_it_was_interrupted() {
        let data = tempfile::tempdir().expect("a folder");
        let file = KeyFile::of(data.path());
        let old = file.open().expect("made").seal("a", "value").expect("sealed");
        let change = file.begin_change().expect("begun");
        let renewed = change.renew("a", &old).expect("renewed");
        // Killed before or after the database took it: both are still open to the server and the next try.
        let between = file.open().expect("read");
        for sealed in [&old, &renewed] {
            assert_eq!(between.open("a", sealed).expect("open"), "value");
        }
        let again = file.begin_change().expect("goes on");
        assert_eq!(again.key().to_text(), change.key().to_text());
        file.finish_change().expect("finished");
        let after = file.open().expect("read");
        assert_eq!(after.open("a", &renewed).expect("open"), "value");
        assert!(after.open("a", &old).is_err());
    }
}
