//! Opens regular files, and nothing else, for reading and writing.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, fstatfs, openat2, readlink};
use rustix::io::Errno;

use super::{fault, folders, stat_at};
use crate::protocol::{FileFault, FileKind, FileStat};

/// An open file and what was known when it was opened.
pub(crate) type Reader = (OwnedFd, FileStat);

fn open(path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    openat2(CWD, path, flags, mode, ResolveFlags::NO_MAGICLINKS)
}

fn of_open(descriptor: impl AsFd) -> Result<FileStat, FileFault> {
    stat_at(descriptor, c"", AtFlags::EMPTY_PATH).map_err(fault)
}

fn only_regular(stat: FileStat) -> Result<FileStat, FileFault> {
    match stat.kind {
        FileKind::File => Ok(stat),
        FileKind::Folder => Err(FileFault::IsFolder),
        FileKind::Link | FileKind::Special => Err(FileFault::NotRegular),
    }
}

/// The memory of a process looks like a regular file. Which of them the kernel
/// lets this one open depends on whose user namespace it was started in.
fn no_memory(file: impl AsFd) -> Result<(), FileFault> {
    if fstatfs(&file).map_err(fault)?.f_type != PROC_SUPER_MAGIC {
        return Ok(());
    }
    let own = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let name = readlink(own, Vec::new()).map_err(fault)?;
    if name.as_bytes().ends_with(b"/mem") {
        return Err(FileFault::NotRegular);
    }
    Ok(())
}

/// Looks before opening, so that a device is not even opened, and again after,
/// because the path may name something else by then.
pub(crate) fn open_read(path: &Path) -> Result<Reader, FileFault> {
    only_regular(super::stat(path)?)?;
    let file = open(path, OFlags::RDONLY, Mode::empty()).map_err(fault)?;
    let stat = only_regular(of_open(&file)?)?;
    no_memory(&file)?;
    Ok((file, stat))
}

/// Empties the file only once it is known to be a regular one.
pub(crate) fn open_write(path: &Path, mode: u32, create_parents: bool) -> Result<Reader, FileFault> {
    match super::stat(path) {
        Ok(stat) => {
            only_regular(stat)?;
        }
        Err(FileFault::NotFound) => {
            if create_parents && let Some(parent) = path.parent() {
                folders::create(parent, 0o755)?;
            }
        }
        Err(other) => return Err(other),
    }
    let mode = Mode::from_raw_mode(mode & 0o777);
    let file = open(path, OFlags::WRONLY | OFlags::CREATE, mode).map_err(fault)?;
    only_regular(of_open(&file)?)?;
    no_memory(&file)?;
    rustix::fs::ftruncate(&file, 0).map_err(fault)?;
    let stat = of_open(&file)?;
    Ok((file, stat))
}
