//! Removes files and whole folder trees, however deep.
//!
//! A tree can be deeper than any stack and any path length, and its owner may
//! move folders about while it is removed. So the walk keeps one folder open at
//! a time, goes up by `..`, and checks on the way up that it is where it was.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::fault;
use crate::protocol::FileFault;

/// Removes a file, a link or an empty folder; with `recursive` also a full one.
pub(crate) fn remove(path: &Path, recursive: bool) -> Result<(), FileFault> {
    match unlinkat(CWD, path, AtFlags::empty()) {
        Ok(()) => return Ok(()),
        // What Linux says for a folder.
        Err(Errno::ISDIR) => {}
        // Read-only and foreign parents answer this before they look.
        Err(error) => return Err(fault(error)),
    }
    match unlinkat(CWD, path, AtFlags::REMOVEDIR) {
        Ok(()) => return Ok(()),
        Err(Errno::NOTEMPTY) if recursive => {}
        Err(error) => return Err(fault(error)),
    }
    empty(path).map_err(fault)?;
    unlinkat(CWD, path, AtFlags::REMOVEDIR).map_err(fault)
}

/// What a folder is, as opposed to what it is called.
type Identity = (u64, u64);

/// A folder above the one that is being emptied, and the name of the one below.
struct Above {
    identity: Identity,
    below: CString,
}

fn open_folder(at: impl std::os::fd::AsFd, name: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty())
}

fn identity(folder: &OwnedFd) -> Result<Identity, Errno> {
    let stat = rustix::fs::fstat(folder)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn empty(path: &Path) -> Result<(), Errno> {
    let mut folder = open_folder(CWD, path)?;
    let mut above: Vec<Above> = Vec::new();
    loop {
        if let Some(below) = unlink_files(&folder)? {
            let next = match open_folder(&folder, &below) {
                Ok(next) => next,
                // It vanished, or became something else: look again.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(Errno::ACCESS) => {
                    rustix::fs::chmodat(&folder, &below, Mode::RWXU, AtFlags::empty())?;
                    open_folder(&folder, &below)?
                }
                Err(error) => return Err(error),
            };
            above.push(Above {
                identity: identity(&folder)?,
                below,
            });
            folder = next;
        } else {
            let Some(Above {
                identity: expected,
                below,
            }) = above.pop()
            else {
                return Ok(());
            };
            let parent = open_folder(&folder, c"..")?;
            if identity(&parent)? != expected {
                return Err(Errno::BUSY);
            }
            match unlinkat(&parent, &below, AtFlags::REMOVEDIR) {
                // Something was put into it meanwhile: the next look finds it.
                Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => {}
                Err(error) => return Err(error),
            }
            folder = parent;
        }
    }
}

/// Unlinks everything in `folder` that is no folder; the first folder found is
/// returned for descent.
fn unlink_files(folder: &OwnedFd) -> Result<Option<CString>, Errno> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            match unlinkat(folder, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::NOTEMPTY) => return Ok(Some(name.to_owned())),
                Err(error) => return Err(error),
            }
        }
        match unlinkat(folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            // The kind was not known from the listing.
            Err(Errno::ISDIR) => return Ok(Some(name.to_owned())),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
