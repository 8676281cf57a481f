//! Hosts that are made up: what is found on them, and which one is taken.

mod choice;
mod layouts;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::places::Places;

/// A host: its root, and the home of the engine's user.
struct Host {
    _folder: tempfile::TempDir,
    root: PathBuf,
    home: PathBuf,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).unwrap();
        let home = root.join("home/me");
        fs::create_dir_all(&home).unwrap();
        Self {
            _folder: folder,
            root,
            home,
        }
    }

    /// With these folders on `PATH`, relative to the root.
    fn places(&self, path: &[&str]) -> Places {
        Places {
            root: self.root.clone(),
            home: Some(self.home.clone()),
            path: path.iter().map(|folder| self.root.join(folder)).collect(),
            ..Places::default()
        }
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Something that looks like a program from outside.
    fn program(&self, path: &str) -> PathBuf {
        self.file(path, b"\x7fELF and so on")
    }

    fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A program below a prefix that says it is a Python, and notes that it was
    /// asked.
    fn python(&self, prefix: &str, version: &str, odd: &str) -> PathBuf {
        let folder = self.root.join(prefix);
        let library = self.file(&format!("{prefix}/lib/os.py"), "");
        let program = folder.join("bin/python3");
        let script = format!(
            "#!/bin/sh\necho {version} >> '{asked}'\nprintf '%s\\0' '{program}' '{folder}' {version} '{library}' '{odd}' pip\n",
            asked = self.root.join("asked").display(),
            program = program.display(),
            folder = folder.display(),
            library = library.display(),
        );
        self.file(&format!("{prefix}/bin/python3"), script)
    }

    /// The versions that were asked until now.
    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.root.join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}
