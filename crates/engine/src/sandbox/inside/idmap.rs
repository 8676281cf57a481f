//! A user namespace for an idmapped mount: files that one owner has on disk
//! belong to the sandbox's user inside, whichever sandbox it is.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, WaitOptions, waitpid};
use toolbox::frame;

use super::{Setup, step};

/// A namespace in which `disk`, the owner on disk, stands for `user`. It lives
/// as long as the descriptor, and nothing ever runs in it.
pub(super) fn namespace(disk: u32, user: u32) -> Setup<OwnedFd> {
    let what = "make a user namespace for volumes";
    let (own, theirs) = step(what, frame::pair())?;
    // SAFETY: this process has a single thread; the child leaves through _exit.
    let child = match unsafe { libc::fork() } {
        -1 => return step(what, Err(io::Error::last_os_error())),
        0 => {
            drop(own);
            let code = i32::from(stand_by(&theirs).is_err());
            // SAFETY: ends the child without this process's destructors.
            unsafe { libc::_exit(code) }
        }
        pid => pid,
    };
    drop(theirs);
    let made = map(&own, disk, user);
    drop(own);
    // Its number is this namespace's, also where /proc is the host's.
    let _ = waitpid(Pid::from_raw(child), WaitOptions::empty());
    step(what, made)
}

/// The child: takes a namespace, says under which number `/proc` knows it, and
/// waits until it has been looked at.
fn stand_by(parent: &OwnedFd) -> io::Result<()> {
    // SAFETY: makes a namespace for this single-threaded process; no memory.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let number = std::fs::read_link("/proc/self")?;
    frame::send(parent, number.as_os_str().as_encoded_bytes(), &[])?;
    frame::receive(parent, &mut [0]).map(drop)
}

fn map(child: &OwnedFd, disk: u32, user: u32) -> io::Result<OwnedFd> {
    let mut number = [0u8; 16];
    let length = frame::receive(child, &mut number)?.length;
    let number = std::str::from_utf8(&number[..length])
        .ok()
        .and_then(|text| text.parse::<u32>().ok())
        .ok_or_else(|| io::Error::other("the kernel allows none"))?;
    let line = format!("{disk} {user} 1");
    std::fs::write(format!("/proc/{number}/uid_map"), &line)?;
    std::fs::write(format!("/proc/{number}/gid_map"), &line)?;
    Ok(std::fs::File::open(format!("/proc/{number}/ns/user"))?.into())
}
