//! A forked part of pid 1 for work that may take long: walking folders.
//!
//! It answers on the control socket itself (packets do not mix) and ends. Pid 1
//! only watches that it does, in time.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The longest a folder may be walked.
const PATIENCE: Duration = Duration::from_secs(60);

/// A helper at work for one request.
#[derive(Debug)]
pub(crate) struct Helper {
    pub(crate) pid: i32,
    pub(crate) request: u32,
    deadline: Instant,
    pub(crate) overdue: bool,
}

impl Helper {
    /// Forks; the child runs `work` and ends. Its exit code is 0 when `work`
    /// sent an answer.
    pub(crate) fn start(request: u32, work: impl FnOnce() -> io::Result<()>) -> io::Result<Self> {
        // SAFETY: pid 1 has a single thread, so the child may do anything; it
        // leaves through _exit alone.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let code = i32::from(work().is_err());
                // SAFETY: ends the forked child without pid 1's destructors.
                unsafe { libc::_exit(code) }
            }
            pid => Ok(Self {
                pid,
                request,
                deadline: Instant::now() + PATIENCE,
                overdue: false,
            }),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ends it when its time is over.
    pub(crate) fn check(&mut self, now: Instant) {
        if now >= self.deadline
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            self.overdue = true;
            self.deadline = now + PATIENCE;
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
