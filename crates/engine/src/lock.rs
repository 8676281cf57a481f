//! How `serve` finds a running engine again: a file with its address, a file
//! with its key that only the owner reads, and a lock that the kernel drops
//! when the engine dies, so that a file left behind by a killed engine is
//! never believed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::config::EngineError;

const LOCK: &str = "engine.lock";
const RECORD: &str = "engine.json";
const KEY: &str = "engine.key";

/// A running engine, as it says of itself in `engine.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineRecord {
    /// Its process.
    pub pid: u32,
    /// The address it serves.
    pub addr: SocketAddr,
    /// The file that holds its key; readable by its owner only.
    pub key_file: PathBuf,
    /// Its version.
    pub version: String,
}

impl EngineRecord {
    /// Reads the engine's key.
    ///
    /// # Errors
    /// When the file is gone or belongs to somebody else.
    pub fn key(&self) -> std::io::Result<String> {
        Ok(std::fs::read_to_string(&self.key_file)?.trim().to_owned())
    }
}

/// Finds the engine that runs on this data directory; `None` when none does,
/// whatever files an earlier one left.
#[must_use]
pub fn read(data_dir: &Path) -> Option<EngineRecord> {
    let lock = File::open(data_dir.join(LOCK)).ok()?;
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return None;
    }
    let text = std::fs::read(data_dir.join(RECORD)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The hold on a data directory; dropped, the directory is free again.
#[derive(Debug)]
pub struct Held {
    record: PathBuf,
    _lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The lock itself goes with the descriptor; the record is only tidiness.
        if let Err(error) = std::fs::remove_file(&self.record) {
            tracing::debug!(%error, "the engine's record could not be removed");
        }
    }
}

/// How often the lock is tried for, and how long after each try.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// Takes the lock. Whoever looks for an engine (`read`) holds it for a moment too,
/// so one refusal says nothing yet.
fn is_taken(lock: &File) -> bool {
    (0..TRIES).any(|_| {
        let taken = flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok();
        if !taken {
            std::thread::sleep(PAUSE);
        }
        taken
    })
}

/// Takes the data directory for this process and writes where it serves.
///
/// # Errors
/// When another engine has it, or it cannot be written.
pub fn write(data_dir: &Path, addr: SocketAddr, key: &str) -> Result<Held, EngineError> {
    let at = |path: &Path, source| EngineError::DataDirectory {
        path: path.to_owned(),
        source,
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| at(data_dir, error))?;
    let path = data_dir.join(LOCK);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| at(&path, error))?;
    if !is_taken(&lock) {
        return Err(EngineError::Held {
            path: data_dir.to_owned(),
            pid: read(data_dir).map_or(0, |other| other.pid),
        });
    }
    let key_file = data_dir.join(KEY);
    replace(&key_file, key.as_bytes()).map_err(|error| at(&key_file, error))?;
    let record = EngineRecord {
        pid: std::process::id(),
        addr,
        key_file,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let path = data_dir.join(RECORD);
    let text = serde_json::to_vec_pretty(&record).expect("a record of plain fields serializes");
    replace(&path, &text).map_err(|error| at(&path, error))?;
    Ok(Held {
        record: path,
        _lock: lock,
    })
}

/// Writes a file of ours so that a reader sees the old or the new text, never
/// a part, and nobody else can read it.
pub(crate) fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let next = path.with_extension("next");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&next)?;
    file.write_all(text)?;
    drop(file);
    std::fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_engine_is_found_while_it_runs_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let addr: SocketAddr = "127.0.0.1:3986".parse().unwrap();
        assert_eq!(read(folder.path()), None);
        let held = write(folder.path(), addr, "the key").unwrap();
        let found = read(folder.path()).unwrap();
        assert_eq!(found.addr, addr);
        assert_eq!(found.key().unwrap(), "the key");
        let mode = std::fs::metadata(&found.key_file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let second = write(folder.path(), addr, "other").unwrap_err();
        assert!(matches!(second, EngineError::Held { pid, .. } if pid == std::process::id()));

        drop(held);
        assert_eq!(read(folder.path()), None);
        // As kill -9 leaves it: the record is there, the lock is not held.
        std::fs::write(folder.path().join(RECORD), serde_json::to_vec(&found).unwrap()).unwrap();
        assert_eq!(read(folder.path()), None);
    }

    #[test]
    fn one_who_looks_does_not_keep_an_engine_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let addr: SocketAddr = "127.0.0.1:3986".parse().unwrap();
        // A looker that is kept waiting itself may look for longer than the
        // engine tries; not every time.
        let starts = (0..10).any(|_| {
            let looking = File::create(folder.path().join(LOCK)).unwrap();
            flock(&looking, FlockOperation::NonBlockingLockShared).unwrap();
            let both = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    both.wait();
                    std::thread::sleep(PAUSE);
                    drop(looking);
                });
                both.wait();
                write(folder.path(), addr, "the key").is_ok()
            })
        });
        assert!(starts);
    }
}
