//! File operations, done inside the sandbox's own mount namespace by its own
//! user, so that whatever links there are, none leads to a file of the host.
//!
//! Two things still need care: links of `/proc` lead out of the file tree
//! (`/proc/self/exe` is the engine's executable), so they are never followed;
//! and opening something that is no regular file can wait or do things, so
//! only regular files are opened.

mod folders;
mod open;
mod pipes;
mod remove;

use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, StatxFlags};
use rustix::io::Errno;

pub(crate) use folders::{create as create_folder, list};
pub(crate) use open::{open_read, open_write};
pub(crate) use pipes::{create as create_pipes, remove as remove_pipes};
pub(crate) use remove::remove;

use crate::protocol::{FileFault, FileKind, FileStat};

/// The longest path that is looked at.
const MAX_PATH: usize = 4096;

/// Where the home folder really is.
#[derive(Clone, Debug)]
pub struct Places {
    /// What callers write for the home folder.
    pub shown_home: PathBuf,
    /// Where it is; the same with a mount namespace.
    pub home: PathBuf,
}

impl Places {
    /// The real path of what a caller wrote; relative ones start at home.
    pub(crate) fn real(&self, path: &str) -> Result<PathBuf, FileFault> {
        if path.is_empty() || path.len() > MAX_PATH || path.contains('\0') {
            return Err(FileFault::BadPath);
        }
        let path = Path::new(path);
        Ok(match path.strip_prefix(&self.shown_home) {
            Ok(rest) if rest.as_os_str().is_empty() => self.home.clone(),
            Ok(rest) => self.home.join(rest),
            Err(_) => self.home.join(path),
        })
    }
}

pub(crate) fn fault(error: Errno) -> FileFault {
    match error {
        Errno::NOENT => FileFault::NotFound,
        Errno::ACCESS | Errno::PERM => FileFault::Denied,
        Errno::EXIST => FileFault::Exists,
        Errno::ISDIR => FileFault::IsFolder,
        Errno::NOTDIR => FileFault::NotFolder,
        Errno::NOTEMPTY => FileFault::NotEmpty,
        Errno::NOSPC | Errno::DQUOT => FileFault::NoSpace,
        Errno::ROFS => FileFault::ReadOnly,
        Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL => FileFault::BadPath,
        Errno::XDEV => FileFault::OtherFileSystem,
        Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP => FileFault::NotRegular,
        other => FileFault::Other(other.raw_os_error()),
    }
}

fn stat_at(
    folder: impl std::os::fd::AsFd,
    name: impl rustix::path::Arg,
    flags: AtFlags,
) -> Result<FileStat, Errno> {
    let known = rustix::fs::statx(folder, name, flags, StatxFlags::BASIC_STATS)?;
    let mode = u32::from(known.stx_mode);
    let kind = match FileType::from_raw_mode(mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Folder,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Special,
    };
    let changed = known.stx_mtime;
    Ok(FileStat {
        kind,
        size: known.stx_size,
        mode: mode & 0o7777,
        modified_ms: changed
            .tv_sec
            .saturating_mul(1000)
            .saturating_add(i64::from(changed.tv_nsec / 1_000_000)),
        uid: known.stx_uid,
        gid: known.stx_gid,
    })
}

pub(crate) fn stat(path: &Path) -> Result<FileStat, FileFault> {
    stat_at(rustix::fs::CWD, path, AtFlags::empty()).map_err(fault)
}

/// What is known about a path that may be a link.
pub(crate) fn stat_link(path: &Path) -> Result<FileStat, FileFault> {
    stat_at(rustix::fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)
}

/// Moves, and never replaces what is there, not even when it came a moment ago.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FileFault> {
    use rustix::fs::{CWD, RenameFlags, rename, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot promise that; then a look has to do.
        Err(Errno::INVAL | Errno::NOSYS) => match stat_link(to) {
            Ok(_) => Err(FileFault::Exists),
            Err(FileFault::NotFound) => rename(from, to).map_err(fault),
            Err(other) => Err(other),
        },
        done => done.map_err(fault),
    }
}

pub(crate) fn set_permissions(path: &Path, mode: u32) -> Result<(), FileFault> {
    use rustix::fs::{OFlags, chmod, fchmod, open};
    let mode = Mode::from_raw_mode(mode & 0o7777);
    match chmod(path, mode) {
        // Where a sandbox has the engine's own user, files may be changed only
        // by a descriptor: what Landlock lets be opened is the sandbox's.
        Err(Errno::PERM) => {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = open(path, flags, Mode::empty()).map_err(fault)?;
            fchmod(file, mode).map_err(fault)
        }
        done => done.map_err(fault),
    }
}

/// Bytes used and bytes altogether of the file system that holds `path`.
pub(crate) fn disk(path: &Path) -> Result<(u64, u64), FileFault> {
    let known = rustix::fs::statvfs(path).map_err(fault)?;
    let total = known.f_blocks.saturating_mul(known.f_frsize);
    let free = known.f_bfree.saturating_mul(known.f_frsize);
    Ok((total.saturating_sub(free), total))
}
