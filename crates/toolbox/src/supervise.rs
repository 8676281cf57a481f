//! Pid 1's loop: requests in, answers and news out, children reaped.
//!
//! Nothing in here may wait for the sandbox's own processes: they share pid 1's
//! user and can be stopped, started and lied about at any time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use crate::commands::Commands;
use crate::ending::{Ending, Surrounding};
use crate::files::Places;
use crate::frame;
use crate::helper::Helper;
use crate::launch::{self, Launched};
use crate::mark;
use crate::protocol::{FileFault, MAX_FRAME, Message, Outcome, Request, decode, encode};

/// What pid 1 is told about the place it runs in.
#[derive(Debug)]
pub struct Surroundings {
    /// Where the home folder is.
    pub places: Places,
    /// Whether this process's uid is used by this sandbox alone.
    pub own_uid: bool,
    /// Its way out, a listening socket or a network device, handed out with
    /// `Ready`.
    pub outlet: Option<OwnedFd>,
}

/// A program on its way between fork and exec.
pub(crate) struct Launching {
    pub(crate) request: u32,
    pub(crate) launched: Launched,
}

/// Pid 1 with everything it has under way.
pub(crate) struct Supervisor {
    pub(crate) control: OwnedFd,
    pub(crate) surroundings: Surroundings,
    pub(crate) has_proc: bool,
    pub(crate) tells_exec: bool,
    pub(crate) pid: i32,
    pub(crate) commands: Commands,
    pub(crate) launching: Vec<Launching>,
    pub(crate) endings: Vec<Ending>,
    pub(crate) helpers: Vec<Helper>,
    pub(crate) reaped: u32,
}

/// Serves requests until the other end of `control` or of `life` closes, then
/// ends this process (and with it, where it is pid 1, the whole sandbox).
///
/// The caller's process must have one thread.
pub fn supervise(control: OwnedFd, life: OwnedFd, surroundings: Surroundings) -> ! {
    let code = match serve(control, &life, surroundings) {
        Ok(()) => 0,
        Err(_) => 1,
    };
    // SAFETY: ends the process; the parent's destructors are not ours to run.
    unsafe { libc::_exit(code) }
}

fn serve(control: OwnedFd, life: &OwnedFd, surroundings: Surroundings) -> io::Result<()> {
    let children = child_signals()?;
    // SAFETY: getpid has no preconditions.
    let pid = unsafe { libc::getpid() };
    // Where this is not pid 1, orphans come here all the same.
    rustix::process::set_child_subreaper(Pid::from_raw(pid))?;
    let has_proc = std::fs::File::open(format!("/proc/{pid}/stat")).is_ok();
    let mut supervisor = Supervisor {
        control,
        surroundings,
        has_proc,
        tells_exec: mark::tells_exec(pid),
        pid,
        commands: Commands::default(),
        launching: Vec::new(),
        endings: Vec::new(),
        helpers: Vec::new(),
        reaped: 0,
    };
    let outlet = supervisor.surroundings.outlet.take();
    let descriptors: Vec<_> = outlet.iter().map(AsFd::as_fd).collect();
    supervisor.send(&Message::Ready, &descriptors)?;
    drop(outlet);
    let mut buffer = vec![0u8; MAX_FRAME + 1];
    loop {
        let (readable, child, closed, launches) = supervisor.wait(&children, life)?;
        if closed {
            return Ok(());
        }
        if launches {
            supervisor.finish_launches(None)?;
        }
        if child {
            drain(&children);
            supervisor.reap()?;
        }
        supervisor.move_endings_on()?;
        let now = Instant::now();
        supervisor.helpers.iter_mut().for_each(|helper| helper.check(now));
        if readable {
            let packet = frame::receive(&supervisor.control, &mut buffer)?;
            if packet.length == 0 {
                return Ok(());
            }
            if let Ok(request) = decode::<Request>(&buffer[..packet.length]) {
                supervisor.answer(request)?;
            }
        }
    }
}

/// A descriptor that is readable when a child ended.
fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before it is used; signalfd returns a new
    // descriptor or -1.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
        }
    }
}

fn drain(signals: &OwnedFd) {
    let mut buffer = [0u8; 1024];
    while rustix::io::read(signals, &mut buffer).is_ok_and(|length| length == buffer.len()) {}
}

impl Supervisor {
    pub(crate) fn send(&self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = encode(message).map_err(io::Error::other)?;
        frame::send(&self.control, &bytes, descriptors)
    }

    pub(crate) fn reply(&self, id: u32, outcome: Outcome, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.send(&Message::Answer { id, outcome }, descriptors)
    }

    /// Waits for something to do: (request, child, end, launch).
    fn wait(&self, children: &OwnedFd, life: &OwnedFd) -> io::Result<(bool, bool, bool, bool)> {
        let now = Instant::now();
        let wakes = self
            .endings
            .iter()
            .map(Ending::next_look)
            .chain(self.helpers.iter().map(Helper::deadline));
        let timeout = wakes
            .min()
            .map(|at| at.saturating_duration_since(now))
            .map(|left| Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            });
        let mut fds = vec![
            PollFd::new(&self.control, PollFlags::IN),
            PollFd::new(children, PollFlags::IN),
            // Its end alone counts: bytes could come from inside.
            PollFd::new(life, PollFlags::empty()),
        ];
        fds.extend(
            self.launching
                .iter()
                .map(|launch| PollFd::new(&launch.launched.report, PollFlags::IN)),
        );
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok((false, false, false, false)),
            Err(error) => return Err(error.into()),
        }
        let ready = |index: usize| !fds[index].revents().is_empty();
        Ok((ready(0), ready(1), ready(2), (3..fds.len()).any(ready)))
    }

    /// Answers the launches whose report is there, or the one of `only`.
    fn finish_launches(&mut self, only: Option<i32>) -> io::Result<()> {
        for launch in std::mem::take(&mut self.launching) {
            let wanted = match only {
                Some(pid) => launch.launched.pid == pid,
                None => has_report(&launch.launched.report),
            };
            if !wanted {
                self.launching.push(launch);
                continue;
            }
            let Launching { request, launched } = launch;
            match launch::failure(&launched.report) {
                None => {
                    let pipes = [
                        launched.stdin.as_ref(),
                        Some(&launched.stdout),
                        launched.stderr.as_ref(),
                        launched.control.as_ref(),
                    ];
                    let pipes: Vec<_> = pipes.into_iter().flatten().map(AsFd::as_fd).collect();
                    self.reply(request, Outcome::Started { pid: launched.pid }, &pipes)?;
                }
                Some((step, errno)) => {
                    self.commands.forget(launched.pid);
                    self.reply(request, Outcome::NotStarted { step, errno }, &[])?;
                }
            }
        }
        Ok(())
    }

    fn reap(&mut self) -> io::Result<()> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.reaped = self.reaped.wrapping_add(1);
            let pid = pid.as_raw_pid();
            if let Some(at) = self.helpers.iter().position(|helper| helper.pid == pid) {
                let helper = self.helpers.swap_remove(at);
                if status.exit_status() != Some(0) {
                    let fault = if helper.overdue {
                        FileFault::TimedOut
                    } else {
                        FileFault::Other(libc::EIO)
                    };
                    self.reply(helper.request, Outcome::Fault(fault), &[])?;
                }
                continue;
            }
            // The news that it started must come before the news that it ended.
            self.finish_launches(Some(pid))?;
            if self.commands.exited(pid) {
                self.send(&exited(pid, status), &[])?;
            }
        }
        Ok(())
    }

    pub(crate) fn move_endings_on(&mut self) -> io::Result<()> {
        if self.endings.is_empty() {
            return Ok(());
        }
        let helpers: Vec<i32> = self.helpers.iter().map(|helper| helper.pid).collect();
        let now = Instant::now();
        let mut over = Vec::new();
        let mut endings = std::mem::take(&mut self.endings);
        endings.retain_mut(|ending| {
            if ending.next_look() > now {
                return true;
            }
            let around = Surrounding {
                commands: &self.commands,
                helpers: &helpers,
                supervisor: self.pid,
                has_proc: self.has_proc,
                tells_exec: self.tells_exec,
                owns_all: self.pid == 1 || self.surroundings.own_uid,
                reaped: self.reaped,
            };
            match ending.look(&around) {
                None => true,
                Some((ended, left)) => {
                    over.push((ending.request, ended, left));
                    false
                }
            }
        });
        self.endings = endings;
        // What died is to be reaped, and its news sent, before the proof.
        if !over.is_empty() {
            self.reap()?;
        }
        for (request, ended, left) in over {
            self.reply(request, Outcome::Ended { ended, left }, &[])?;
        }
        Ok(())
    }
}

fn has_report(report: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(report, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn exited(pid: i32, status: WaitStatus) -> Message {
    Message::Exited {
        pid,
        code: status.exit_status(),
        signal: status.terminating_signal(),
    }
}
