//! Terminals: a pair of pseudo-terminal ends, with a program on the inner one.
//!
//! Opened in here, so that it is one of the sandbox's own and has a name there
//! (`/dev/pts/0`). The outer end, the master, goes to the engine; pid 1 keeps
//! nothing, so that the terminal hangs up when the engine lets go.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::launch::{self, Beside, Failure, Launched, Program};
use crate::protocol::LaunchStep;

/// Starts `program` as the leader of a session that has the terminal.
pub(crate) fn launch(program: &Program, columns: u16, rows: u16) -> Result<Launched, Failure> {
    let (master, inner) =
        open(columns, rows).map_err(|error| (LaunchStep::Terminal, error.raw_os_error()))?;
    let (pid, report) = launch::start(program, [inner.as_fd(); 3], Beside::Terminal)?;
    Ok(Launched {
        pid,
        stdin: None,
        stdout: master,
        stderr: None,
        control: None,
        report,
    })
}

/// The master and the inner end. The inner one is not opened by its name, which
/// could have been replaced.
fn open(columns: u16, rows: u16) -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    unlockpt(&master)?;
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size)?;
    let inner = ioctl_tiocgptpeer(&master, flags)?;
    Ok((master, inner))
}
