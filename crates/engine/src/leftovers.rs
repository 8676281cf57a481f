//! What a killed engine leaves on disk and nobody will ask for again: homes,
//! logs and archives of sandboxes that have no record, homes of builds that
//! were not finished, and files that were not written to their end.

use std::path::Path;
use std::time::Duration;

use daytona::SandboxState;

use crate::registry::Registry;
use crate::snapshots::Snapshots;

/// How often a folder that something is still written to is tried again.
const ATTEMPTS: u32 = 100;
/// The time between two of these.
const PAUSE: Duration = Duration::from_millis(2);

/// Removes them. Only what is named like something of ours is touched.
pub(crate) fn clear(data_dir: &Path, registry: &Registry, snapshots: &Snapshots) {
    for kind in [
        "homes",
        "spool",
        "archives",
        "backups",
        "snapshots",
        "builds",
        "build-logs",
    ] {
        let Ok(entries) = std::fs::read_dir(data_dir.join(kind)) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "part" || extension == "next")
            {
                remove_file(&path);
                continue;
            }
            let Some(id) = path.file_stem().and_then(|name| name.to_str()) else {
                continue;
            };
            if uuid::Uuid::try_parse(id).is_err() {
                continue;
            }
            let state = registry.by_id(id).map(|entry| entry.record().state);
            let is_snapshot = snapshots.knows(id);
            let wanted = match kind {
                // What an archived sandbox had of it is in its archive.
                "homes" => state.is_some_and(|state| state != SandboxState::Archived),
                "archives" => state == Some(SandboxState::Archived),
                "snapshots" => is_snapshot,
                "build-logs" => is_snapshot || state.is_some(),
                "builds" => true,
                _ => state.is_some(),
            };
            match (wanted, path.is_dir()) {
                (true, true) if kind == "spool" => clear_logs(&path),
                (true, _) => {}
                (false, true) => remove(&path),
                (false, false) => remove_file(&path),
            }
        }
    }
}

/// Removes the logs of a sandbox that nobody can ask for: those without a note
/// beside them, of programs that were no command of a session.
fn clear_logs(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()?.rsplit_once('-'));
        let is_noted = name.is_some_and(|(name, _)| folder.join(format!("{name}.json")).exists());
        if path.extension().is_some_and(|kind| kind == "log") && !is_noted {
            remove_file(&path);
        }
    }
}

/// Removes a folder and says so when that fails. Blocks for some milliseconds
/// when something is still written to it, such as the last word of a program
/// that was ended.
pub(crate) fn remove(folder: &Path) {
    let mut removed = std::fs::remove_dir_all(folder);
    for _ in 0..ATTEMPTS {
        match &removed {
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
                std::thread::sleep(PAUSE);
                removed = std::fs::remove_dir_all(folder);
            }
            _ => break,
        }
    }
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, folder = %folder.display(), "a folder that nobody wants could not be removed");
        }
        _ => {}
    }
}

/// Removes a file and says so when that fails.
pub(crate) fn remove_file(file: &Path) {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, file = %file.display(), "a file that nobody wants could not be removed");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_nobody_goes() {
        let data = tempfile::tempdir().unwrap();
        let registry = Registry::open(data.path(), Default::default()).unwrap();
        let snapshots = Snapshots::open(data.path(), &Default::default(), Default::default()).unwrap();
        let id = "0b1f8a52-4f0b-4d7e-9a57-9e3ff8f7f3aa";
        let unknown = data.path().join("homes").join(id);
        let other = data.path().join("homes/keep-me");
        std::fs::create_dir_all(unknown.join("a")).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        let files = ["archives", "backups", "snapshots", "build-logs"].map(|kind| {
            std::fs::create_dir_all(data.path().join(kind)).unwrap();
            let file = data.path().join(kind).join(format!("{id}.tar"));
            std::fs::write(&file, "x").unwrap();
            file
        });
        let part = data.path().join("snapshots/x.part");
        std::fs::write(&part, "x").unwrap();
        clear(data.path(), &registry, &snapshots);
        assert!(!unknown.exists() && !part.exists());
        assert!(other.exists());
        assert!(files.iter().all(|file| !file.exists()));
    }
}
