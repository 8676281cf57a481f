//! Forks the first process of a sandbox into its namespaces and groups.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, pidfd_open, set_dumpable_behavior, waitpid};
use toolbox::frame;

use super::cgroup::Group;
use crate::sandbox::Level;
use crate::sandbox::inside::{self, Inheritance};

/// A forked first process.
pub(super) struct Born {
    pub(super) pid: i32,
    pub(super) watch: OwnedFd,
    /// The engine's end of its control socket.
    pub(super) control: OwnedFd,
}

/// From the kernel's `linux/sched.h`; libc's own is too narrow for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const COMMON: libc::c_int =
    libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWNET;

/// The namespaces a level is made of.
fn namespaces(given: &Inheritance<'_>) -> u64 {
    let mut flags = match given.plan.level {
        Level::NamespacesRoot => COMMON,
        Level::NamespacesUser | Level::NamespacesUserNoProc => COMMON | libc::CLONE_NEWUSER,
        Level::Landlock | Level::UnsafeNone => 0,
    };
    if flags != 0 && !given.late_cgroup_namespace {
        flags |= libc::CLONE_NEWCGROUP;
    }
    u64::from(flags.unsigned_abs())
}

/// Forks, joins the groups and gives the go-ahead.
pub(super) fn give_birth(given: &Inheritance<'_>, group: &Group, life: &OwnedFd) -> io::Result<Born> {
    let (host_end, own_end) = frame::pair()?;
    let life = life.try_clone()?;
    let through_user = given.host_is_root && given.plan.level.needs_user_namespace();
    let (pid, in_group) = if through_user {
        (fork_as_user(given, own_end, life)?, false)
    } else {
        let folder = group.clone_into();
        (
            clone_into(given, own_end, life, folder.as_ref())?,
            folder.is_some(),
        )
    };
    let child = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process number"))?;
    let born = Born {
        pid,
        watch: pidfd_open(child, PidfdFlags::empty())?,
        control: host_end,
    };
    // Meanwhile the child builds its mounts; joining a group of version 1 waits
    // for the kernel.
    if !in_group && let Err(error) = group.join(pid) {
        kill(&born.watch);
        let _ = waitpid(Some(child), rustix::process::WaitOptions::empty());
        return Err(error);
    }
    frame::send(&born.control, b"g", &[])?;
    Ok(born)
}

pub(super) fn kill(watch: &OwnedFd) {
    // One that is gone already is what was wanted.
    let _ = rustix::process::pidfd_send_signal(watch.as_fd(), rustix::process::Signal::KILL);
}

/// clone3 with the namespaces of the level; the child never returns.
pub(super) fn clone_into(
    given: &Inheritance<'_>,
    control: OwnedFd,
    life: OwnedFd,
    group: Option<&OwnedFd>,
) -> io::Result<i32> {
    let flags = namespaces(given);
    // SAFETY: all fields are numbers, and zero means unset.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags;
    arguments.exit_signal = libc::SIGCHLD.unsigned_abs().into();
    if let Some(folder) = group {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = folder.as_raw_fd().unsigned_abs().into();
    }
    // SAFETY: without a stack or shared memory this is a fork: the child has a
    // copy of everything, and this process has a single thread, so the copy is
    // sound. The arguments outlive the call.
    let mut pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw mut arguments,
            size_of::<libc::clone_args>(),
        )
    };
    if pid < 0 && group.is_none() && io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) {
        // Docker's filter hides clone3; the old call knows all flags used here.
        let flags = flags | u64::from(libc::SIGCHLD.unsigned_abs());
        // SAFETY: as above.
        pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    }
    match pid {
        0 => inside::enter(given, control, life),
        pid if pid > 0 => i32::try_from(pid).map_err(io::Error::other),
        _ => Err(io::Error::last_os_error()),
    }
}

/// As root, a user namespace is made by a child that took the sandbox's uid
/// first, so that uid 0 of the host is nowhere in it. That child ends at once;
/// sandboxd inherits the grandchild.
fn fork_as_user(given: &Inheritance<'_>, control: OwnedFd, life: OwnedFd) -> io::Result<i32> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    // SAFETY: one thread; the child leaves through _exit or `enter`.
    let helper = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            let cloned = inside::become_user(given.outside_uid)
                .map_err(io::Error::other)
                // Or its files in /proc, its uid map among them, belong to root.
                .and_then(|()| Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?))
                .and_then(|()| clone_into(given, control, life, None));
            let answer = cloned.unwrap_or_else(|error| -error.raw_os_error().unwrap_or(libc::EIO));
            let _ = rustix::io::write(&write, &answer.to_ne_bytes());
            // SAFETY: ends the helper without sandboxd's destructors.
            unsafe { libc::_exit(0) }
        }
        pid => pid,
    };
    drop(write);
    let mut answer = [0u8; 4];
    let length = rustix::io::retry_on_intr(|| rustix::io::read(&read, &mut answer))?;
    let _ = waitpid(Pid::from_raw(helper), rustix::process::WaitOptions::empty());
    match i32::from_ne_bytes(answer) {
        pid if length == answer.len() && pid > 0 => Ok(pid),
        error if length == answer.len() => Err(io::Error::from_raw_os_error(-error)),
        _ => Err(io::Error::other("the helper said nothing")),
    }
}

/// Ends every process of a uid that belongs to one sandbox alone; used where no
/// process namespace does it.
pub(super) fn kill_user(uid: u32) {
    // SAFETY: one thread; the child only changes its user, signals and ends.
    unsafe {
        match libc::fork() {
            0 => {
                if inside::become_user(uid).is_ok() {
                    libc::kill(-1, libc::SIGKILL);
                }
                libc::_exit(0)
            }
            helper if helper > 0 => {
                let _ = waitpid(Pid::from_raw(helper), rustix::process::WaitOptions::empty());
            }
            _ => {}
        }
    }
}
