//! What a killed engine leaves on disk and nobody will ask for again: homes and
//! logs of sandboxes that have no record.

use std::path::Path;

use crate::registry::Registry;

/// Removes them. Only folders named like a sandbox of ours are touched.
pub(crate) fn clear(data_dir: &Path, registry: &Registry) {
    for kind in ["homes", "spool"] {
        let Ok(folders) = std::fs::read_dir(data_dir.join(kind)) else {
            continue;
        };
        for folder in folders.flatten() {
            let name = folder.file_name();
            let Some(id) = name.to_str().filter(|name| uuid::Uuid::try_parse(name).is_ok()) else {
                continue;
            };
            if !registry.knows(id) {
                remove(&folder.path());
            }
        }
    }
}

/// Removes a folder and says so when that fails.
pub(crate) fn remove(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, folder = %folder.display(), "a folder of a sandbox that is gone could not be removed");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_unknown_sandboxes_go() {
        let data = tempfile::tempdir().unwrap();
        let registry = Registry::open(data.path(), Default::default()).unwrap();
        let unknown = data.path().join("homes/0b1f8a52-4f0b-4d7e-9a57-9e3ff8f7f3aa");
        let other = data.path().join("homes/keep-me");
        std::fs::create_dir_all(unknown.join("a")).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        clear(data.path(), &registry);
        assert!(!unknown.exists());
        assert!(other.exists());
    }
}
