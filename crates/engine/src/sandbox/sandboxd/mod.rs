//! sandboxd: a small process with one thread and an empty environment that
//! forks sandboxes, holds their limits, and ends them all when the engine goes.
//!
//! It is this executable started again, before it holds anything worth
//! stealing: a sandbox's first process is a copy of it.

mod birth;
mod cgroup;
mod cradle;
pub(crate) mod orders;
mod sandboxes;
mod uids;
mod watchdog;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use toolbox::frame;
use toolbox::protocol::{MAX_FRAME, decode, encode};

use orders::{News, Order};
use sandboxes::Sandboxes;
pub(crate) use uids::FIRST as FIRST_UID;

/// How often sandboxes without a memory cgroup are looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);
/// How soon something that could not be finished is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(2);
/// How long nothing is asked before the next sandbox is prepared.
const PAUSE: Duration = Duration::from_millis(2);
/// How long ending everything may take when the engine is gone.
const FAREWELL: Duration = Duration::from_secs(5);

/// What the executable does when its first argument is `sandboxd`. The engine's
/// socket is its standard input.
///
/// Call this before anything else in `main`, above all before threads are made.
pub fn sandboxd_main() -> ! {
    let code = match run() {
        Ok(()) => 0,
        Err(error) => {
            // The only channel left when the socket itself is the problem.
            let _ = rustix::io::write(rustix::stdio::stderr(), format!("sandboxd: {error}\n").as_bytes());
            1
        }
    };
    std::process::exit(code)
}

fn run() -> io::Result<()> {
    let engine = take_descriptors()?;
    // Not of the terminal's process group: a Ctrl+C is the engine's to act on.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let (life, kept) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut sandboxes = Sandboxes::new(life);
    let served = match serve(&engine, &mut sandboxes) {
        // The engine went away in the middle of a word.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ) =>
        {
            Ok(())
        }
        other => other,
    };
    drop(kept);
    sandboxes.kill_all();
    let deadline = Instant::now() + FAREWELL;
    while !sandboxes.is_empty() && Instant::now() < deadline {
        sandboxes.collect();
        std::thread::sleep(Duration::from_millis(1));
    }
    served
}

/// Keeps the engine's socket and standard error, and nothing else.
fn take_descriptors() -> io::Result<OwnedFd> {
    let engine = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(engine)
}

/// Serves the engine until its socket closes.
fn serve(engine: &OwnedFd, sandboxes: &mut Sandboxes) -> io::Result<()> {
    let mut buffer = vec![0u8; MAX_FRAME + 1];
    let mut next_watch = Instant::now();
    loop {
        let timeout = if sandboxes.has_unfinished() {
            Some(RETRY_INTERVAL)
        } else if sandboxes.has_watched() {
            Some(next_watch.saturating_duration_since(Instant::now()))
        } else {
            None
        };
        let idle = sandboxes.wants_cradle();
        let timeout = match timeout {
            Some(timeout) if idle => Some(timeout.min(PAUSE)),
            None if idle => Some(PAUSE),
            other => other,
        };
        if wait(engine, sandboxes, timeout)? {
            let packet = frame::receive(engine, &mut buffer)?;
            if packet.length == 0 {
                return Ok(());
            }
            let order: Order = decode(&buffer[..packet.length]).map_err(io::Error::other)?;
            if let Some((event, control)) = sandboxes.carry_out(order.slot, order.action) {
                let descriptors: Vec<_> = control.iter().map(AsFd::as_fd).collect();
                send(
                    engine,
                    &News {
                        slot: order.slot,
                        event,
                    },
                    &descriptors,
                )?;
            }
        } else if idle {
            sandboxes.prepare_cradle();
        }
        for news in sandboxes.collect() {
            send(engine, &news, &[])?;
        }
        if sandboxes.has_watched() && Instant::now() >= next_watch {
            sandboxes.watch();
            next_watch = Instant::now() + WATCH_INTERVAL;
        }
    }
}

/// Waits for an order (then `true`), the end of a sandbox, or the timeout.
fn wait(engine: &OwnedFd, sandboxes: &Sandboxes, timeout: Option<Duration>) -> io::Result<bool> {
    let mut fds = vec![PollFd::new(engine, PollFlags::IN)];
    fds.extend(sandboxes.watches().map(|watch| PollFd::new(watch, PollFlags::IN)));
    let timeout = timeout.map(|left| Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    });
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) => Ok(fds.first().is_some_and(|engine| !engine.revents().is_empty())),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn send(engine: &OwnedFd, news: &News, descriptors: &[std::os::fd::BorrowedFd<'_>]) -> io::Result<()> {
    frame::send(engine, &encode(news).map_err(io::Error::other)?, descriptors)
}
