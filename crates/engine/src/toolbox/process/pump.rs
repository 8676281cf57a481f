//! From a program's pipes into its spool.
//!
//! A program may close its output and go on, or end and leave a daemon behind
//! that holds the pipe for ever. So its end is told from outside; then the
//! pipes are read until they would block, and 50 ms longer when something still
//! holds them. After that the log is complete; what a daemon prints later is
//! still read, because it would be held up otherwise; it is added to the log of
//! a session's command, and dropped when nobody can ask for the log any more.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use daytona::wire::Stream;
use daytona::wire::frames::{HEADER_LENGTH, MESSAGE_LIMIT};
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::spool::Spool;

/// How long a held pipe is read on after the program's end; not longer than it
/// takes to read what a pipe holds.
const GRACE: Duration = Duration::from_millis(50);
/// The most a pipe holds.
const PIPE_SIZE: usize = 1 << 20;
/// Reads in a row before other tasks get their turn.
const TURN: usize = 8;
/// A program that writes line by line would wake us for every line, and be
/// held up by that. Small reads that follow each other faster than this are
/// spaced by it; the first after a silence is never delayed.
const SPACING: Duration = Duration::from_millis(1);
/// A turn that read this much is not small: there is a backlog to be read.
const SMALL: usize = 128 << 10;

/// The read ends of a program's output; non-blocking.
#[derive(Debug)]
pub(in crate::toolbox) struct Pipes {
    pub stdout: OwnedFd,
    /// `None` when both streams are in one pipe.
    pub stderr: Option<OwnedFd>,
}

struct Source {
    stream: Stream,
    pipe: Option<Receiver>,
    total: usize,
    /// When it was last read.
    last: Option<Instant>,
    /// Not read again before this.
    rest_until: Option<Instant>,
}

impl Source {
    fn new(stream: Stream, pipe: Option<OwnedFd>) -> Self {
        let pipe = pipe.and_then(|pipe| {
            Receiver::from_owned_fd(pipe)
                .inspect_err(|error| tracing::error!(%error, "a program's pipe cannot be watched"))
                .ok()
        });
        Self {
            stream,
            pipe,
            total: 0,
            last: None,
            rest_until: None,
        }
    }

    /// Waits until there is something to read, or the end. Never ends when closed.
    async fn ready(&self) {
        match &self.pipe {
            Some(pipe) => {
                if let Some(end) = self.rest_until {
                    sleep_until(end).await;
                }
                // An error here is found again by the read that follows.
                let _ = pipe.readable().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Reads what is there, at most a turn. Gives whether there may be more.
    fn read(&mut self, buffer: &mut [u8], spool: Option<&Spool>) -> bool {
        let before = self.total;
        let now = Instant::now();
        let soon_again = self
            .last
            .replace(now)
            .is_some_and(|last| now - last < 4 * SPACING);
        self.rest_until = None;
        for _ in 0..TURN {
            let Some(pipe) = &self.pipe else { return false };
            let result = pipe.try_read(&mut buffer[HEADER_LENGTH..]);
            if self.take(result, buffer, spool).is_none() {
                if soon_again && self.total - before < SMALL {
                    self.rest_until = Some(now + SPACING);
                }
                return false;
            }
        }
        self.pipe.is_some()
    }

    /// Reads what the program left in the pipe when it ended: until the pipe is
    /// empty, or more than it can hold was read, because a daemon goes on.
    fn drain(&mut self, buffer: &mut [u8], spool: Option<&Spool>) {
        let mut total = 0;
        while let Some(pipe) = &self.pipe
            && total <= PIPE_SIZE
        {
            let result = rustix::io::read(pipe, &mut buffer[HEADER_LENGTH..]);
            match self.take(result.map_err(Into::into), buffer, spool) {
                Some(length) => total += length,
                None => return,
            }
        }
    }

    /// Spools the result of a read. `None` when there is nothing more for now.
    fn take(
        &mut self,
        result: std::io::Result<usize>,
        buffer: &mut [u8],
        spool: Option<&Spool>,
    ) -> Option<usize> {
        match result {
            Ok(0) => {
                self.pipe = None;
                None
            }
            Ok(length) => {
                self.total += length;
                if let Some(spool) = spool {
                    spool.append_in_place(self.stream, &mut buffer[..HEADER_LENGTH + length]);
                }
                Some(length)
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Some(0),
            Err(error) => {
                tracing::warn!(%error, "a program's pipe cannot be read");
                self.pipe = None;
                None
            }
        }
    }
}

/// What becomes of output that comes after the log is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::toolbox) enum Late {
    Added,
    Dropped,
}

/// Reads until nothing holds the pipes any more. `ended` resolves at the
/// program's end; what it gives is passed to `flushed` when everything the
/// program printed is in the spool, and before followers are told the end: who
/// has seen the end finds the exit code.
pub(in crate::toolbox) async fn pump<T>(
    pipes: Pipes,
    spool: Arc<Spool>,
    late: Late,
    ended: impl Future<Output = T>,
    flushed: impl FnOnce(T),
) {
    let mut stdout = Source::new(Stream::Stdout, Some(pipes.stdout));
    let mut stderr = Source::new(Stream::Stderr, pipes.stderr);
    let mut buffer = vec![0; MESSAGE_LIMIT];
    let mut flushed = Some(flushed);
    let mut spool = Some(spool);
    let mut outcome = None;
    let mut has_ended = false;
    let mut deadline = None;
    let mut total_at_end = 0;
    tokio::pin!(ended);
    loop {
        let closed = stdout.pipe.is_none() && stderr.pipe.is_none();
        if has_ended
            && (closed
                || stdout.total + stderr.total - total_at_end > PIPE_SIZE
                || deadline.is_some_and(|deadline| Instant::now() >= deadline))
            && let (Some(flushed), Some(outcome)) = (flushed.take(), outcome.take())
        {
            flushed(outcome);
            if let Some(spool) = &spool {
                spool.complete();
            }
            if late == Late::Dropped {
                spool = None;
            }
        }
        if has_ended && closed {
            return;
        }
        let grace_end = deadline.filter(|_| flushed.is_some());
        tokio::select! {
            given = &mut ended, if !has_ended => {
                has_ended = true;
                outcome = Some(given);
                stdout.drain(&mut buffer, spool.as_deref());
                stderr.drain(&mut buffer, spool.as_deref());
                total_at_end = stdout.total + stderr.total;
                deadline = Some(Instant::now() + GRACE);
            }
            () = stdout.ready() => {
                if stdout.read(&mut buffer, spool.as_deref()) { tokio::task::yield_now().await; }
            }
            () = stderr.ready() => {
                if stderr.read(&mut buffer, spool.as_deref()) { tokio::task::yield_now().await; }
            }
            () = sleep_until(grace_end.unwrap_or_else(Instant::now)), if grace_end.is_some() => {}
        }
    }
}
