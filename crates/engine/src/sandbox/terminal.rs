//! A program in a terminal inside a sandbox, and the engine's end of that
//! terminal.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::FileType;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use toolbox::protocol::{Call, Outcome};

use super::channel::{Answer, CALL_TIME};
use super::handle::{not_started, unexpected};
use super::{Exit, Sandbox, SandboxError};

/// The kernel's number of `/dev/ptmx`, which every master has.
const MASTER_DEVICE: (u32, u32) = (5, 2);

/// The order to start one program in a terminal.
#[derive(Clone, Debug)]
pub struct InTerminal {
    /// The program and its arguments, as for [`super::Spawn`].
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Where it starts.
    pub cwd: String,
    /// How wide the terminal is.
    pub columns: u16,
    /// How high the terminal is.
    pub rows: u16,
}

/// A program in a terminal. It leads the terminal's session.
#[derive(Debug)]
pub struct Terminal {
    /// Its number inside the sandbox.
    pub pid: i32,
    /// The engine's end.
    pub master: Master,
    /// Becomes `Some` once when it ended, as [`super::Process::exit`].
    pub exit: watch::Receiver<Option<Exit>>,
}

/// The engine's end of a terminal. When it is dropped, the terminal hangs up.
#[derive(Debug)]
pub struct Master {
    descriptor: AsyncFd<OwnedFd>,
}

impl Master {
    fn new(descriptors: Vec<OwnedFd>) -> Result<Self, SandboxError> {
        let wrong = || SandboxError::Protocol("something else than a terminal".into());
        let [descriptor] = <[OwnedFd; 1]>::try_from(descriptors).map_err(|_| wrong())?;
        let known = rustix::fs::fstat(&descriptor).map_err(|_| wrong())?;
        let device = (rustix::fs::major(known.st_rdev), rustix::fs::minor(known.st_rdev));
        let is_device = FileType::from_raw_mode(known.st_mode) == FileType::CharacterDevice;
        if !is_device || device != MASTER_DEVICE {
            return Err(wrong());
        }
        let system = |error: io::Error| SandboxError::System(error.to_string());
        rustix::io::ioctl_fionbio(&descriptor, true).map_err(|error| system(error.into()))?;
        // SAFETY: an OwnedFd names the same open descriptor for as long as it lives.
        let descriptor = unsafe { AsyncFd::register(descriptor) }.map_err(|error| system(error.into()))?;
        Ok(Self { descriptor })
    }

    /// Reads what programs print.
    ///
    /// # Errors
    /// `EIO` while no program has the terminal open.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.descriptor
            .async_io(Interest::READABLE, |master| {
                Ok(rustix::io::read(master, &mut *buffer)?)
            })
            .await
    }

    /// Reads what is there already; `None` when there is nothing.
    pub fn read_now(&self, buffer: &mut [u8]) -> Option<usize> {
        rustix::io::read(self.descriptor.get_ref(), buffer)
            .ok()
            .filter(|length| *length > 0)
    }

    /// Types the first of `bytes`; gives how many.
    ///
    /// # Errors
    /// As [`Master::read`].
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.descriptor
            .async_io(Interest::WRITABLE, |master| Ok(rustix::io::write(master, bytes)?))
            .await
    }

    /// Changes its size; the program in front is told by SIGWINCH.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(self.descriptor.get_ref(), size)?)
    }
}

impl Sandbox {
    /// Starts a program in a terminal of its own.
    ///
    /// # Errors
    /// As [`Sandbox::spawn`], and where no terminal can be had.
    pub async fn spawn_in_terminal(&self, order: InTerminal) -> Result<Terminal, SandboxError> {
        let name = order.argv.first().cloned().unwrap_or_default();
        let folder = order.cwd.clone();
        let call = Call::SpawnInTerminal {
            argv: order.argv,
            env: order.env,
            cwd: order.cwd,
            columns: order.columns,
            rows: order.rows,
        };
        let Answer {
            outcome,
            descriptors,
            exit,
        } = self.call(call, CALL_TIME).await?;
        match (outcome, exit) {
            (Outcome::Started { pid }, Some(exit)) => Ok(Terminal {
                pid,
                master: Master::new(descriptors)?,
                exit,
            }),
            (Outcome::NotStarted { step, errno }, _) => Err(not_started(step, errno, &name, &folder)),
            (other, _) => Err(unexpected(&other)),
        }
    }
}
