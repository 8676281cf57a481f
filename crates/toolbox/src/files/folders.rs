//! Makes and lists folders.

use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};

use super::{fault, stat_at};
use crate::protocol::{FileEntry, FileFault, FileKind, MAX_ENTRIES};

/// Makes a folder and those above it; one that is there already is fine.
pub(crate) fn create(path: &Path, mode: u32) -> Result<(), FileFault> {
    let wanted = Mode::from_raw_mode(mode & 0o7777);
    match rustix::fs::mkdir(path, wanted) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return existing(path, fault(error)),
    }
    // Something above is missing: from the top, so that no depth can exhaust
    // the stack.
    let mut ancestors: Vec<_> = path.ancestors().skip(1).collect();
    ancestors.reverse();
    for folder in ancestors {
        if folder.as_os_str().is_empty() {
            continue;
        }
        match rustix::fs::mkdir(folder, Mode::from_raw_mode(0o755)) {
            Ok(()) => {}
            Err(error) => existing(folder, fault(error))?,
        }
    }
    rustix::fs::mkdir(path, wanted).or_else(|error| existing(path, fault(error)))
}

/// A folder that is there already is what was wanted, whatever mkdir said
/// (a read-only or foreign parent answers before it looks).
fn existing(path: &Path, otherwise: FileFault) -> Result<(), FileFault> {
    match super::stat(path) {
        Ok(stat) if stat.kind == FileKind::Folder => Ok(()),
        Ok(_) if otherwise == FileFault::Exists => Err(FileFault::NotFolder),
        _ => Err(otherwise),
    }
}

/// The entries of a folder, sorted by name, links not followed.
pub(crate) fn list(path: &Path) -> Result<Vec<FileEntry>, FileFault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(fault)?;
    let mut entries = Vec::new();
    for entry in Dir::read_from(&folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entries.len() == MAX_ENTRIES {
            return Err(FileFault::TooLarge);
        }
        // One that vanished meanwhile is not an entry any more.
        if let Ok(stat) = stat_at(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            entries.push(FileEntry {
                name: name.to_string_lossy().into_owned(),
                stat,
            });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}
