//! The folder a run in the terminal keeps its things in: gone when the run is
//! over, and when this process was killed, gone with the next run.

use crate::failure::Failure;
use rustix::fs::{FlockOperation, flock};
use std::{fs::File, path::Path};
use tempfile::TempDir;

const PREFIX: &str = "pitlane-run-";
/// Held as long as the run lasts; the kernel lets go of it when we die.
const LOCK: &str = "lock";

/// The folder of one run.
pub struct Workspace {
    folder: TempDir,
    _lock: File,
}

impl Workspace {
    /// Makes the folder, and removes those that killed runs left.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn create() -> Result<Self, Failure> {
        let all = std::env::temp_dir();
        remove_abandoned(&all);
        Self::create_in(&all).map_err(|error| {
            Failure::new(format!(
                "No temporary folder can be made in {}: {error}. Set TMPDIR to one that can be written.",
                all.display()
            ))
        })
    }

    fn create_in(all: &Path) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(all)?;
        let lock = File::create(folder.path().join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes it.
    pub fn remove(self) {
        if let Err(error) = self.folder.close() {
            tracing::warn!(%error, "the temporary folder could not be removed");
        }
    }
}

/// Best effort: what cannot be looked at belongs to somebody else.
fn remove_abandoned(all: &Path) {
    let Ok(entries) = std::fs::read_dir(all) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
    {
        // Without its lock it is being made just now.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_used_is_not() {
        let all = tempfile::tempdir().expect("a folder");
        let used = Workspace::create_in(all.path()).expect("made");
        let abandoned = all.path().join("pitlane-run-abandoned");
        std::fs::create_dir_all(abandoned.join("engine")).expect("made");
        std::fs::write(abandoned.join(LOCK), "").expect("written");
        std::fs::create_dir(all.path().join("pitlane-run-of-now")).expect("made");
        remove_abandoned(all.path());
        assert!(used.path().exists() && !abandoned.exists());
        assert!(all.path().join("pitlane-run-of-now").exists());
        used.remove();
        assert_eq!(std::fs::read_dir(all.path()).expect("readable").count(), 1);
    }
}
