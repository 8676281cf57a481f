//! What the first process of a sandbox does before it becomes the toolbox:
//! builds the walls around itself, in an order in which each step still can.
//!
//! It runs in a child forked from sandboxd, which has one thread and nothing
//! worth stealing in its memory.

mod devices;
mod idmap;
mod image;
mod landlock;
mod mounts;
mod network;
mod privileges;
mod seccomp;
mod shares;
mod tun;

pub(crate) use landlock::version as landlock_version;
pub(crate) use privileges::become_user;
pub(crate) use seccomp::{Filters, Shape};

use std::fmt::Display;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
use toolbox::protocol::{Message, encode};
use toolbox::{Places, Surroundings, frame};

use crate::sandbox::sandboxd::orders::{Enforced, Home, Plan};
use crate::sandbox::{HOME, Level, Wiring};

/// A step that failed, as the part of a sentence after "could not be made:".
pub(crate) type Setup<T> = Result<T, String>;

/// Says which step failed.
fn step<T, E: Into<io::Error>>(what: impl Display, result: Result<T, E>) -> Setup<T> {
    result.map_err(|error| format!("{what}: {}", error.into()))
}

/// What sandboxd gives its child.
pub(crate) struct Inheritance<'a> {
    pub(crate) plan: &'a Plan,
    /// The sandbox's uid and gid, as seen inside.
    pub(crate) uid: u32,
    /// The same on the host.
    pub(crate) outside_uid: u32,
    /// Whether sandboxd runs as root, so that `outside_uid` is the sandbox's own.
    pub(crate) host_is_root: bool,
    pub(crate) filters: &'a Filters,
    /// What holds each limit; where no cgroup does, rlimits are set.
    pub(crate) enforced: Enforced,
    /// The cgroup namespace is still to be made, after sandboxd's go-ahead.
    pub(crate) late_cgroup_namespace: bool,
}

/// Builds the walls, then serves the engine; never returns.
pub(crate) fn enter(given: &Inheritance<'_>, control: OwnedFd, life: OwnedFd) -> ! {
    let control = match keep_only(control, life) {
        Ok((control, life)) => match build(given, &control) {
            Ok(surroundings) => toolbox::supervise(control, life, surroundings),
            Err(reason) => {
                if let Ok(bytes) = encode(&Message::SetupFailed { reason }) {
                    // The engine may be gone; then nobody needs to know.
                    let _ = frame::send(&control, &bytes, &[]);
                    // The go-ahead may be on its way: left unread it would
                    // reset the connection, and the reason with it.
                    let _ = frame::receive(&control, &mut [0]);
                }
                stay_until_heard(&control);
                control
            }
        },
        Err(_) => {
            // SAFETY: ends the forked child without sandboxd's destructors.
            unsafe { libc::_exit(2) }
        }
    };
    let _ = control.into_raw_fd();
    // SAFETY: as above.
    unsafe { libc::_exit(1) }
}

/// Moves the two sockets to 3 and 4, closes everything else, points 0 to 2 at
/// /dev/null.
fn keep_only(control: OwnedFd, life: OwnedFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?
        .into_raw_fd();
    // SAFETY: descriptor numbers only. The originals are moved above all
    // targets first, so that no dup3 closes one that is still needed; after
    // close_range the two returned values own the only ones left but 0 to 2.
    unsafe {
        let above = |descriptor: i32| libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 10);
        let (null, control, life) = (
            above(null),
            above(control.into_raw_fd()),
            above(life.into_raw_fd()),
        );
        if null < 0 || control < 0 || life < 0 {
            return Err(io::Error::last_os_error());
        }
        for standard in 0..3 {
            libc::dup2(null, standard);
        }
        libc::dup3(control, 3, libc::O_CLOEXEC);
        libc::dup3(life, 4, libc::O_CLOEXEC);
        if libc::syscall(libc::SYS_close_range, 5u32, u32::MAX, 0u32) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((OwnedFd::from_raw_fd(3), OwnedFd::from_raw_fd(4)))
    }
}

fn build(given: &Inheritance<'_>, control: &OwnedFd) -> Setup<Surroundings> {
    let plan = given.plan;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    step("start a session", rustix::process::setsid().map(drop))?;
    let namespaces = plan.level.has_namespaces();
    if plan.level.needs_user_namespace() {
        privileges::map_user(given.uid, given.outside_uid)?;
    }
    let mut outlet = None;
    if namespaces {
        network::name_host()?;
        network::loopback_up()?;
        outlet = match plan.wiring {
            Wiring::Off => None,
            Wiring::Proxy => Some(network::listen()?),
            Wiring::Tun => Some(tun::device()?),
        };
        mounts::build_root(plan, given.uid)?;
    }
    go_ahead(control)?;
    if given.late_cgroup_namespace {
        // SAFETY: makes a namespace for this single-threaded process; no memory.
        let made = unsafe { libc::unshare(libc::CLONE_NEWCGROUP) };
        step(
            "make a cgroup namespace",
            if made == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            },
        )?;
    }
    let home = match &plan.home {
        Home::Folder(folder) if !namespaces => folder.clone(),
        _ if namespaces => PathBuf::from(HOME),
        _ => return Err("without namespaces the home folder has to be one of the host".into()),
    };
    privileges::set_limits(given)?;
    privileges::drop_all(given)?;
    match plan.level {
        Level::UnsafeNone => {}
        Level::Landlock => landlock::only_wall(plan, &home, given.host_is_root)?,
        _ => landlock::second_wall()?,
    }
    if plan.level != Level::UnsafeNone {
        given.filters.apply()?;
        step(
            "hide from the sandbox",
            set_dumpable_behavior(DumpableBehavior::NotDumpable),
        )?;
    }
    if namespaces {
        // Only now: a change of credentials takes this back.
        step(
            "follow sandboxd",
            set_parent_process_death_signal(Some(Signal::KILL)),
        )?;
    }
    let places = Places {
        shown_home: HOME.into(),
        home,
    };
    Ok(Surroundings {
        places,
        own_uid: given.host_is_root,
        outlet,
    })
}

/// Waits a little for sandboxd's go-ahead, or for the engine to hang up: who
/// closes a socket with unread words in it takes back what it said.
fn stay_until_heard(control: &OwnedFd) {
    let patience = Timespec {
        tv_sec: 2,
        tv_nsec: 0,
    };
    let mut heard = [PollFd::new(control, PollFlags::IN)];
    if poll(&mut heard, Some(&patience)).is_ok_and(|count| count > 0) {
        let _ = frame::receive(control, &mut [0u8; 1]);
    }
}

/// Waits until sandboxd has put this process into its cgroups.
fn go_ahead(control: &OwnedFd) -> Setup<()> {
    let mut byte = [0u8; 1];
    match frame::receive(control, &mut byte) {
        Ok(packet) if packet.length == 1 => Ok(()),
        Ok(_) => Err("sandboxd went away".into()),
        Err(error) => Err(format!("wait for sandboxd: {error}")),
    }
}
