//! Named pipes for one command of a shell that runs already.
//!
//! A running shell cannot be given descriptors, but it can open names. So the
//! pipes are made in a folder of their own, the engine's ends are opened here
//! and handed out, and the names go when the command has ended. The sandbox's
//! user owns them like everything else; a name that was replaced meanwhile is
//! noticed, because only a pipe is opened.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, mkdirat, mkfifoat, openat, unlinkat};
use rustix::pipe::fcntl_setpipe_size;

use super::fault;
use crate::launch::PIPE_SIZE;
use crate::protocol::FileFault;

/// The names, and how the engine's end of each is opened. Its end for writing
/// is opened for both, since nobody reads yet.
const PIPES: [(&str, OFlags); 3] = [
    ("in", OFlags::RDWR),
    ("out", OFlags::RDONLY),
    ("err", OFlags::RDONLY),
];

/// Makes the folder with the pipes `in`, `out` and `err`; gives the other ends.
pub(crate) fn create(path: &Path) -> Result<[OwnedFd; 3], FileFault> {
    mkdirat(CWD, path, Mode::RWXU).map_err(fault)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(CWD, path, flags, Mode::empty()).map_err(fault)?;
    let [input, output, errors] = PIPES.map(|(name, flags)| open(&folder, name, flags));
    Ok([input?, output?, errors?])
}

fn open(folder: impl AsFd, name: &str, flags: OFlags) -> Result<OwnedFd, FileFault> {
    mkfifoat(&folder, name, Mode::RUSR | Mode::WUSR).map_err(fault)?;
    let flags = flags | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let pipe = openat(&folder, name, flags, Mode::empty()).map_err(fault)?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&pipe).map_err(fault)?.st_mode);
    if kind != FileType::Fifo {
        return Err(FileFault::NotRegular);
    }
    // Past the user's pipe allowance the kernel's default size has to do.
    let _ = fcntl_setpipe_size(&pipe, PIPE_SIZE);
    Ok(pipe)
}

/// Removes the names; who holds a pipe keeps it.
pub(crate) fn remove(path: &Path) -> Result<(), FileFault> {
    for (name, _) in PIPES {
        unlinkat(CWD, path.join(name), AtFlags::empty()).map_err(fault)?;
    }
    unlinkat(CWD, path, AtFlags::REMOVEDIR).map_err(fault)
}
