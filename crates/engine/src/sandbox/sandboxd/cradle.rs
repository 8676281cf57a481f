//! A process that waits in groups of its own to fork the next sandbox.
//!
//! Version 1 of the control groups cannot clone a process into a group, and
//! moving one there waits for an RCU grace period of the kernel: about ten
//! milliseconds on a quiet host, twice what all the rest of a sandbox takes. So
//! one process moves in ahead of time. It is a fork of sandboxd with one socket
//! open, waits there for what it shall fork, does that, and ends; sandboxd
//! inherits the sandbox.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, set_parent_process_death_signal, waitpid,
};
use serde::{Deserialize, Serialize};
use toolbox::frame;
use toolbox::protocol::{MAX_FRAME, decode, encode};

use super::birth::{self, Born};
use super::cgroup::{Group, Hierarchy};
use super::orders::{Enforced, Limits, Plan};
use crate::sandbox::inside::{Filters, Inheritance, Shape};

/// While it waits: enough for itself.
const WAITING: Limits = Limits {
    cpu: 1,
    memory_bytes: 64 << 20,
    disk_bytes: 0,
    inodes: 0,
    processes: 1,
};
const READY: &[u8] = b"r";

/// The waiting process, as sandboxd holds it. Dropped, it ends, and its groups go.
pub(super) struct Cradle {
    pid: Pid,
    socket: OwnedFd,
    /// Until they are the sandbox's.
    group: Option<Group>,
    ready: bool,
}

/// What it is told: an [`Inheritance`] without what it has already.
#[derive(Serialize, Deserialize)]
struct Request {
    plan: Plan,
    uid: u32,
    outside_uid: u32,
    host_is_root: bool,
    enforced: Enforced,
    shape: Shape,
}

impl Cradle {
    /// Forks one. It moves into its groups by itself, so that sandboxd does not wait.
    pub(super) fn prepare(hierarchy: &Hierarchy, filters: &HashMap<Shape, Filters>) -> io::Result<Self> {
        let group = hierarchy.create_spare(&WAITING)?;
        let forked = frame::pair().and_then(|(socket, inner)| {
            let parent = rustix::process::getpid();
            // SAFETY: one thread; the child never returns.
            match unsafe { libc::fork() } {
                -1 => Err(io::Error::last_os_error()),
                0 => wait_inside(inner, parent, &group, filters),
                pid => Ok((
                    Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process number"))?,
                    socket,
                )),
            }
        });
        match forked {
            Ok((pid, socket)) => Ok(Self {
                pid,
                socket,
                group: Some(group),
                ready: false,
            }),
            Err(error) => {
                group.remove();
                Err(error)
            }
        }
    }

    /// Whether it is in its groups by now.
    pub(super) fn is_ready(&mut self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut socket = [PollFd::new(&self.socket, PollFlags::IN)];
        if !self.ready && poll(&mut socket, Some(&now)).is_ok_and(|said| said > 0) {
            let heard = frame::receive(&self.socket, &mut [0]);
            self.ready = heard.is_ok_and(|packet| packet.length == READY.len());
        }
        self.ready
    }

    /// Hands the groups to sandbox number `number`, with its limits.
    pub(super) fn adopt(&mut self, number: u64, limits: &Limits) -> io::Result<Group> {
        let group = self.group.as_mut().ok_or(io::ErrorKind::NotFound)?;
        group.rename(number)?;
        if !group.limit(limits) {
            return Err(io::Error::other("its limits could not be set"));
        }
        self.group.take().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Lets it fork the sandbox and gives the go-ahead.
    pub(super) fn give_birth(
        self,
        given: &Inheritance<'_>,
        shape: Shape,
        life: &OwnedFd,
    ) -> io::Result<Born> {
        let (control, inner) = frame::pair()?;
        let request = Request {
            plan: given.plan.clone(),
            uid: given.uid,
            outside_uid: given.outside_uid,
            host_is_root: given.host_is_root,
            enforced: given.enforced,
            shape,
        };
        let bytes = encode(&request).map_err(io::Error::other)?;
        frame::send(&self.socket, &bytes, &[inner.as_fd(), life.as_fd()])?;
        let mut answer = [0u8; 4];
        let heard = frame::receive(&self.socket, &mut answer)?;
        let pid = match i32::from_ne_bytes(answer) {
            _ if heard.length != answer.len() => return Err(io::Error::other("the cradle ended")),
            error if error <= 0 => return Err(io::Error::from_raw_os_error(-error)),
            pid => pid,
        };
        // From here on the sandbox is sandboxd's child: one that follows its
        // parent into death must not take the cradle for it.
        drop(self);
        let child = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process number"))?;
        let born = Born {
            pid,
            watch: pidfd_open(child, PidfdFlags::empty())?,
            control,
        };
        frame::send(&born.control, b"g", &[])?;
        Ok(born)
    }
}

impl Drop for Cradle {
    fn drop(&mut self) {
        // One that has ended already is what was wanted.
        let _ = kill_process(self.pid, Signal::KILL);
        let _ = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
        if let Some(group) = &self.group {
            group.remove();
        }
    }
}

/// The life of the waiting process.
fn wait_inside(socket: OwnedFd, parent: Pid, group: &Group, filters: &HashMap<Shape, Filters>) -> ! {
    // Nobody hears of a failure: sandboxd finds the socket closed.
    let _ = serve(socket, parent, group, filters);
    // SAFETY: ends the forked child without sandboxd's destructors.
    unsafe { libc::_exit(0) }
}

fn serve(socket: OwnedFd, parent: Pid, group: &Group, filters: &HashMap<Shape, Filters>) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::other("sandboxd went away"));
    }
    let socket = keep_only(socket)?;
    group.join(0)?;
    frame::send(&socket, READY, &[])?;
    let mut buffer = vec![0u8; MAX_FRAME + 1];
    let packet = frame::receive(&socket, &mut buffer)?;
    let request: Request = decode(&buffer[..packet.length]).map_err(io::Error::other)?;
    let (Some(filters), Ok([control, life])) = (
        filters.get(&request.shape),
        <[OwnedFd; 2]>::try_from(packet.descriptors),
    ) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let given = Inheritance {
        plan: &request.plan,
        uid: request.uid,
        outside_uid: request.outside_uid,
        host_is_root: request.host_is_root,
        filters,
        enforced: request.enforced,
        late_cgroup_namespace: false,
    };
    let answer = birth::clone_into(&given, control, life, None)
        .unwrap_or_else(|error| -error.raw_os_error().unwrap_or(libc::EIO));
    frame::send(&socket, &answer.to_ne_bytes(), &[])
}

/// Moves the socket to 3 and closes everything else, sandboxd's socket and the
/// other sandboxes' above all.
fn keep_only(socket: OwnedFd) -> io::Result<OwnedFd> {
    let socket = socket.into_raw_fd();
    // SAFETY: descriptor numbers only; after this the returned value owns the
    // only one left but 0 to 2, and the process ends without destructors of others.
    unsafe {
        if socket != 3 && libc::dup3(socket, 3, libc::O_CLOEXEC) < 0 {
            return Err(io::Error::last_os_error());
        }
        if libc::syscall(libc::SYS_close_range, 4u32, u32::MAX, 0u32) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(3))
    }
}
