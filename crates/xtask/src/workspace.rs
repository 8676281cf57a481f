//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// Which kind of build.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build; the site's files are read from disk.
    Debug,
    /// Small and fast; the site's files are in the binary.
    Release,
}

impl Profile {
    /// The name of its folder below `target` and `target/site`.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// The folder of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Where the browser's files of a build are put together.
pub fn site(profile: Profile) -> PathBuf {
    target().join("site").join(profile.folder())
}

/// The binary of a build.
pub fn binary(profile: Profile) -> PathBuf {
    target().join(profile.folder()).join("pitlane")
}

/// All files below a folder, sorted, without those in folders named in `skip`.
pub fn files_below(folder: &Path, skip: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(anyhow::Error::new(error).context(format!("reading {}", folder.display())));
            }
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if skip.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
