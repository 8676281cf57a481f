//! Starts one program: pipes, fork, a session of its own, exec.
//!
//! The pipes are made in here and not by the engine, so that the sandbox's own
//! user owns them and `/dev/stdout` can be opened again by name. Whether exec
//! worked comes back through a pipe that exec closes; pid 1's loop watches it,
//! because the sandbox's other processes could stop the child before.
//!
//! A program that the engine talks to besides its streams has one end of a
//! packet socket as descriptor 3.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use crate::frame;
use crate::protocol::{LaunchStep, MARKER};

/// The largest pipe an ordinary user may have; a larger one means fewer wakes.
pub(crate) const PIPE_SIZE: usize = 1024 * 1024;
/// Children go first when memory runs out, pid 1 last.
const OOM_SCORE: &[u8] = b"600";

/// What to start, checked and in the form exec wants.
pub(crate) struct Program {
    paths: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    folder: CString,
}

/// A forked child that has not yet become the program.
pub(crate) struct Launched {
    pub(crate) pid: i32,
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: Option<OwnedFd>,
    pub(crate) control: Option<OwnedFd>,
    /// Readable when exec was done (nothing to read) or failed (see [`failure`]).
    pub(crate) report: OwnedFd,
}

/// Why a launch failed: the step and the error number.
pub(crate) type Failure = (LaunchStep, i32);

impl Program {
    pub(crate) fn new(
        argv: &[String],
        env: &[(String, String)],
        folder: &Path,
        marker: &str,
    ) -> Result<Self, Failure> {
        let bad = |_| (LaunchStep::Arguments, libc::EINVAL);
        let name = argv
            .first()
            .filter(|name| !name.is_empty())
            .ok_or((LaunchStep::Arguments, libc::ENOENT))?;
        let search = env
            .iter()
            .find(|(key, _)| key == "PATH")
            .map_or("/usr/bin:/bin", |(_, value)| value);
        let paths = if name.contains('/') {
            vec![CString::new(name.as_str()).map_err(bad)?]
        } else {
            let folders = search.split(':').filter(|folder| !folder.is_empty());
            folders
                .map(|folder| CString::new(format!("{folder}/{name}")))
                .collect::<Result<_, _>>()
                .map_err(bad)?
        };
        let argv = argv
            .iter()
            .map(|arg| CString::new(arg.as_str()))
            .collect::<Result<_, _>>()
            .map_err(bad)?;
        let marked = std::iter::once(CString::new(format!("{MARKER}={marker}")));
        let given = env.iter().filter(|(key, _)| key != MARKER);
        let env = marked
            .chain(given.map(|(key, value)| CString::new(format!("{key}={value}"))))
            .collect::<Result<_, _>>()
            .map_err(bad)?;
        let folder = CString::new(folder.as_os_str().as_bytes()).map_err(bad)?;
        Ok(Self {
            paths,
            argv,
            env,
            folder,
        })
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Failure> {
    let ends = pipe_with(PipeFlags::CLOEXEC).map_err(|error| (LaunchStep::Pipe, error.raw_os_error()))?;
    // Past the user's pipe allowance the kernel's default size has to do.
    let _ = fcntl_setpipe_size(&ends.0, PIPE_SIZE);
    Ok(ends)
}

/// What a program has besides its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    pub(crate) merge_stderr: bool,
    pub(crate) control: bool,
}

/// Forks the child and lets it become `program`.
pub(crate) fn launch(program: &Program, streams: Streams) -> Result<Launched, Failure> {
    let input = if streams.stdin { Some(pipe()?) } else { None };
    let (stdout, output) = pipe()?;
    let errors = if streams.merge_stderr { None } else { Some(pipe()?) };
    let control = if streams.control {
        let failed = |error: io::Error| (LaunchStep::Pipe, error.raw_os_error().unwrap_or(libc::EMFILE));
        Some(frame::pair().map_err(failed)?)
    } else {
        None
    };
    let null = std::fs::File::open("/dev/null")
        .map_err(|error| (LaunchStep::Descriptors, error.raw_os_error().unwrap_or(libc::EIO)))?;
    let standard = [
        input.as_ref().map_or(null.as_fd(), |(read, _)| read.as_fd()),
        output.as_fd(),
        errors.as_ref().map_or(output.as_fd(), |(_, write)| write.as_fd()),
    ];
    let beside = match &control {
        Some((_, theirs)) => Beside::Control(theirs.as_fd()),
        None => Beside::Nothing,
    };
    let (pid, report) = start(program, standard, beside)?;
    Ok(Launched {
        pid,
        stdin: input.map(|(_, write)| write),
        stdout,
        stderr: errors.map(|(read, _)| read),
        control: control.map(|(own, _)| own),
        report,
    })
}

/// What a program has beside its standard descriptors.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside<'a> {
    Nothing,
    /// The first of them is the terminal that is to control its session.
    Terminal,
    /// A socket, as descriptor 3.
    Control(BorrowedFd<'a>),
}

/// Forks the child and lets it become `program` with these standard
/// descriptors. Gives its number and [`Launched::report`].
pub(crate) fn start(
    program: &Program,
    standard: [BorrowedFd<'_>; 3],
    beside: Beside<'_>,
) -> Result<(i32, OwnedFd), Failure> {
    let (report, tell) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|error| (LaunchStep::Pipe, error.raw_os_error()))?;
    // SAFETY: pid 1 has a single thread, so the child may allocate and use
    // everything; it leaves only through exec or _exit.
    match unsafe { libc::fork() } {
        -1 => Err((
            LaunchStep::Fork,
            io::Error::last_os_error().raw_os_error().unwrap_or(libc::EAGAIN),
        )),
        0 => become_program(program, standard, beside, &tell),
        pid => Ok((pid, report)),
    }
}

fn become_program(program: &Program, standard: [BorrowedFd<'_>; 3], beside: Beside<'_>, tell: &OwnedFd) -> ! {
    let control = match beside {
        Beside::Control(socket) => Some(socket),
        Beside::Nothing | Beside::Terminal => None,
    };
    let tell = match only_these(standard, control, tell) {
        Ok(tell) => tell,
        // SAFETY: ends the forked child without running pid 1's destructors.
        Err(_) => unsafe { libc::_exit(127) },
    };
    let (step, errno) = try_become(program, matches!(beside, Beside::Terminal));
    let mut report = [0u8; 5];
    report[0] = step as u8;
    report[1..].copy_from_slice(&errno.to_le_bytes());
    let _ = rustix::io::write(&tell, &report);
    // SAFETY: as above.
    unsafe { libc::_exit(127) }
}

/// Keeps the standard descriptors, the control socket as 3 and after them the
/// report pipe; pid 1's own sockets are closed before anything of this process
/// can be looked at.
fn only_these(
    standard: [BorrowedFd<'_>; 3],
    control: Option<BorrowedFd<'_>>,
    tell: &OwnedFd,
) -> io::Result<OwnedFd> {
    let sources = standard.into_iter().chain(control);
    let report: RawFd = if control.is_some() { 4 } else { 3 };
    // SAFETY: descriptor numbers of this process alone, which has one thread.
    // Sources are above 4, because pid 1 itself holds 0 to 4, so that no dup
    // closes one that is still needed; afterwards the result owns `report`.
    unsafe {
        for (target, source) in (0..).zip(sources) {
            if libc::dup2(source.as_raw_fd(), target) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        if libc::dup3(tell.as_raw_fd(), report, libc::O_CLOEXEC) < 0
            || libc::syscall(libc::SYS_close_range, report + 1, u32::MAX, 0u32) != 0
        {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(report))
    }
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Returns only when it failed.
fn try_become(program: &Program, in_terminal: bool) -> Failure {
    // SAFETY: plain system calls on numbers and on strings that outlive them;
    // the child has one thread.
    unsafe {
        libc::setsid();
        if in_terminal && libc::ioctl(0, libc::TIOCSCTTY, 0) != 0 {
            return (LaunchStep::Terminal, errno());
        }
        // Writable only while dumpable; not longer than that, because until
        // exec this process still is pid 1's image.
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
        if let Ok(file) = std::fs::OpenOptions::new()
            .write(true)
            .open("/proc/self/oom_score_adj")
        {
            let _ = rustix::io::write(&file, OOM_SCORE);
        }
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        if libc::getpriority(libc::PRIO_PROCESS, 0) < 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        }
        if libc::chdir(program.folder.as_ptr()) != 0 {
            return (LaunchStep::Folder, errno());
        }
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
    let argv = pointers(&program.argv);
    let env = pointers(&program.env);
    let mut failure = libc::ENOENT;
    for path in &program.paths {
        // SAFETY: both arrays end with a null pointer and point into strings
        // owned by `program`.
        unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
        match errno() {
            libc::ENOENT | libc::ENOTDIR => {}
            // Maybe a later folder of PATH has one that may be run.
            libc::EACCES => failure = libc::EACCES,
            other => return (LaunchStep::Program, other),
        }
    }
    (LaunchStep::Program, failure)
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain(std::iter::once(std::ptr::null()))
        .collect()
}

/// Reads a launch report: `None` means the program runs.
pub(crate) fn failure(report: impl AsFd) -> Option<Failure> {
    let mut bytes = [0u8; 5];
    let length = rustix::io::retry_on_intr(|| rustix::io::read(report.as_fd(), &mut bytes)).ok()?;
    if length != bytes.len() {
        return None;
    }
    let step = match bytes[0] {
        step if step == LaunchStep::Folder as u8 => LaunchStep::Folder,
        step if step == LaunchStep::Descriptors as u8 => LaunchStep::Descriptors,
        step if step == LaunchStep::Terminal as u8 => LaunchStep::Terminal,
        _ => LaunchStep::Program,
    };
    Some((step, i32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]])))
}
