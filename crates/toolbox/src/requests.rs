//! What pid 1 does for each request.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::connect;
use crate::ending::Ending;
use crate::files;
use crate::helper::Helper;
use crate::launch::{self, Failure, Launched, Program, Streams};
use crate::protocol::{Call, FileEntry, FileFault, LaunchStep, Outcome, Request};
use crate::supervise::{Launching, Supervisor};
use crate::terminal;

/// Entries in one packet of a listing. A name of 255 bytes that are not UTF-8
/// becomes 765, so this stays below the bound of a packet.
const ENTRIES_AT_ONCE: usize = 128;

impl Supervisor {
    pub(crate) fn answer(&mut self, Request { id, call }: Request) -> io::Result<()> {
        match call {
            Call::Spawn {
                argv,
                env,
                cwd,
                stdin,
                merge_stderr,
                control,
            } => {
                let streams = Streams {
                    stdin,
                    merge_stderr,
                    control,
                };
                let launch = |program: &Program| launch::launch(program, streams);
                if let Err((step, errno)) = self.spawn(id, &argv, &env, &cwd, launch) {
                    self.reply(id, Outcome::NotStarted { step, errno }, &[])?;
                }
                Ok(())
            }
            Call::SpawnInTerminal {
                argv,
                env,
                cwd,
                columns,
                rows,
            } => {
                let launch = |program: &Program| terminal::launch(program, columns, rows);
                if let Err((step, errno)) = self.spawn(id, &argv, &env, &cwd, launch) {
                    self.reply(id, Outcome::NotStarted { step, errno }, &[])?;
                }
                Ok(())
            }
            Call::Connect { port, ipv6 } => match connect::begin(port, ipv6) {
                Ok(socket) => self.reply(id, Outcome::Connecting, &[socket.as_fd()]),
                Err(error) => self.reply(id, Outcome::Errno(error.raw_os_error()), &[]),
            },
            Call::Adopt { pid } => {
                let outcome = self.adopt(pid);
                self.reply(id, outcome, &[])
            }
            Call::Signal { pid, signal } => {
                let outcome = self.signal(pid, signal);
                self.reply(id, outcome, &[])
            }
            Call::EndTree { pids, grace_ms } => {
                let pids = pids.into_iter().filter(|pid| self.commands.known(*pid)).collect();
                self.endings.push(Ending::new(
                    id,
                    pids,
                    Duration::from_millis(grace_ms),
                    self.reaped,
                ));
                self.move_endings_on()
            }
            Call::List { path } => self.list(id, &path),
            Call::Remove {
                path,
                recursive: true,
            } => self.remove_tree(id, &path),
            Call::CreatePipes { path } => {
                let real = self.surroundings.places.real(&path);
                match real.and_then(|path| files::create_pipes(&path)) {
                    Ok(pipes) => self.reply(id, Outcome::Piped, &pipes.each_ref().map(AsFd::as_fd)),
                    Err(fault) => self.reply(id, Outcome::Fault(fault), &[]),
                }
            }
            other => match self.file_call(other) {
                Ok((outcome, Some(file))) => self.reply(id, outcome, &[file.as_fd()]),
                Ok((outcome, None)) => self.reply(id, outcome, &[]),
                Err(fault) => self.reply(id, Outcome::Fault(fault), &[]),
            },
        }
    }

    /// The file calls that touch a bounded number of files.
    fn file_call(&self, call: Call) -> Result<(Outcome, Option<OwnedFd>), FileFault> {
        let real = |path: &str| self.surroundings.places.real(path);
        let done = |()| (Outcome::Done, None);
        match call {
            Call::OpenRead { path } => {
                files::open_read(&real(&path)?).map(|(file, stat)| (Outcome::Opened(stat), Some(file)))
            }
            Call::OpenWrite {
                path,
                mode,
                create_parents,
            } => files::open_write(&real(&path)?, mode, create_parents)
                .map(|(file, stat)| (Outcome::Opened(stat), Some(file))),
            Call::Stat { path, follow } => {
                let path = real(&path)?;
                let stat = if follow {
                    files::stat(&path)
                } else {
                    files::stat_link(&path)
                };
                stat.map(|stat| (Outcome::Stat(stat), None))
            }
            Call::CreateFolder { path, mode } => files::create_folder(&real(&path)?, mode).map(done),
            Call::Remove { path, recursive } => files::remove(&real(&path)?, recursive).map(done),
            Call::Rename { from, to } => files::rename(&real(&from)?, &real(&to)?).map(done),
            Call::SetPermissions { path, mode } => files::set_permissions(&real(&path)?, mode).map(done),
            Call::DiskUsage => {
                let (used, total) = files::disk(&self.surroundings.places.home)?;
                Ok((Outcome::Disk { used, total }, None))
            }
            Call::RemovePipes { path } => files::remove_pipes(&real(&path)?).map(done),
            Call::Hold { still } => match self.hold(still) {
                true => Ok(done(())),
                false => Err(FileFault::Denied),
            },
            Call::Spawn { .. }
            | Call::SpawnInTerminal { .. }
            | Call::Connect { .. }
            | Call::Adopt { .. }
            | Call::Signal { .. }
            | Call::EndTree { .. }
            | Call::CreatePipes { .. }
            | Call::List { .. } => Err(FileFault::BadPath),
        }
    }

    fn spawn(
        &mut self,
        request: u32,
        argv: &[String],
        env: &[(String, String)],
        cwd: &str,
        launch: impl FnOnce(&Program) -> Result<Launched, Failure>,
    ) -> Result<(), Failure> {
        let folder = self
            .surroundings
            .places
            .real(cwd)
            .map_err(|_| (LaunchStep::Folder, libc::ENOENT))?;
        let marker = self.commands.next_marker();
        let program = Program::new(argv, env, &folder, &marker)?;
        let launched = launch(&program)?;
        self.commands.started(launched.pid, marker);
        self.launching.push(Launching { request, launched });
        Ok(())
    }

    /// Takes an orphan in as a program that was started. Whoever names it can
    /// only name processes of the sandbox, and of those only ones that nobody
    /// waits for yet: what it may come to is told to the one who asked.
    fn adopt(&mut self, pid: i32) -> Outcome {
        let taken = self.commands.alive(pid) || self.helpers.iter().any(|helper| helper.pid == pid);
        let Some(process) = Pid::from_raw(pid).filter(|_| !taken && pid > 0) else {
            return Outcome::Errno(libc::EINVAL);
        };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(process), look) {
            // It lives, or has ended and is to be reaped: a child either way.
            Ok(_) => {
                let marker = self.commands.next_marker();
                self.commands.started(pid, marker.clone());
                Outcome::Adopted { pid, marker }
            }
            Err(error) => Outcome::Errno(error.raw_os_error()),
        }
    }

    fn signal(&self, pid: i32, number: i32) -> Outcome {
        let known = self.commands.known(pid).then(|| Pid::from_raw(pid)).flatten();
        let (Some(group), Some(signal)) = (known, Signal::from_named_raw(number)) else {
            return Outcome::Errno(libc::ESRCH);
        };
        match kill_process_group(group, signal) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Errno(error.raw_os_error()),
        }
    }

    fn list(&mut self, id: u32, path: &str) -> io::Result<()> {
        let path = match self.surroundings.places.real(path) {
            Ok(path) => path,
            Err(fault) => return self.reply(id, Outcome::Fault(fault), &[]),
        };
        self.help(id, |supervisor| match files::list(&path) {
            Err(fault) => supervisor.reply(id, Outcome::Fault(fault), &[]),
            Ok(entries) => supervisor.send_entries(id, entries),
        })
    }

    fn send_entries(&self, id: u32, mut entries: Vec<FileEntry>) -> io::Result<()> {
        loop {
            let rest = entries.split_off(entries.len().min(ENTRIES_AT_ONCE));
            let last = rest.is_empty();
            self.reply(id, Outcome::Entries { entries, last }, &[])?;
            if last {
                return Ok(());
            }
            entries = rest;
        }
    }

    fn remove_tree(&mut self, id: u32, path: &str) -> io::Result<()> {
        let path = match self.surroundings.places.real(path) {
            Ok(path) => path,
            Err(fault) => return self.reply(id, Outcome::Fault(fault), &[]),
        };
        self.help(id, |supervisor| {
            let outcome = files::remove(&path, true).map_or_else(Outcome::Fault, |()| Outcome::Done);
            supervisor.reply(id, outcome, &[])
        })
    }

    /// Lets a forked helper do `work`, which has to send the answer.
    fn help(&mut self, id: u32, work: impl FnOnce(&Self) -> io::Result<()>) -> io::Result<()> {
        match Helper::start(id, || work(self)) {
            Ok(helper) => {
                self.helpers.push(helper);
                Ok(())
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
                self.reply(id, Outcome::Fault(FileFault::Other(errno)), &[])
            }
        }
    }
}
