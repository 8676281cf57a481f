//! The two pipes of a program's output, read in the order they are written to.
//!
//! When both have something, the one that had it first is read first
//! (`Arrivals`): a traceback follows what was printed before it, however late
//! we are. Writes that alternate faster than they are read are still told
//! stream by stream.

use std::os::fd::OwnedFd;
use std::time::Duration;

use daytona::wire::Stream;
use daytona::wire::frames::HEADER_LENGTH;
use tokio::time::{Instant, sleep_until};

use crate::sandbox::Arrivals;
use crate::spool::Spool;

/// The most a pipe holds.
pub(super) const PIPE_SIZE: usize = 1 << 20;
/// Reads in a row before the other stream and other tasks get their turn.
const TURN: usize = 8;
/// A program that writes line by line would wake us for every line, and be
/// held up by that. Small reads that follow each other faster than this are
/// spaced by it; the first after a silence is never delayed.
const SPACING: Duration = Duration::from_millis(1);
/// Reads closer than this follow each other.
const CLOSE: Duration = SPACING.saturating_mul(4);
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
    pipe: Option<OwnedFd>,
    /// When it was last read.
    last: Option<Instant>,
    /// A turn ended before the pipe was empty.
    more: bool,
}

/// Both pipes.
pub(super) struct Sources {
    sources: [Source; 2],
    /// `None` when the pipes cannot be watched.
    arrivals: Option<Arrivals>,
    /// Nothing is read before this.
    rest_until: Option<Instant>,
    total: usize,
}

impl Sources {
    pub(super) fn new(pipes: Pipes) -> Self {
        let source = |stream, pipe| Source {
            stream,
            pipe,
            last: None,
            more: false,
        };
        let mut sources = [
            source(Stream::Stdout, Some(pipes.stdout)),
            source(Stream::Stderr, pipes.stderr),
        ];
        let arrivals = Arrivals::of(sources.iter().filter_map(|source| source.pipe.as_ref()))
            .inspect_err(|error| tracing::error!(%error, "a program's pipes cannot be watched"))
            .ok();
        if arrivals.is_none() {
            sources.iter_mut().for_each(|source| source.pipe = None);
        }
        Self {
            sources,
            arrivals,
            rest_until: None,
            total: 0,
        }
    }

    /// Whether nothing holds the pipes any more.
    pub(super) fn closed(&self) -> bool {
        self.sources.iter().all(|source| source.pipe.is_none())
    }

    /// The bytes read so far.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Waits until there is something to read, or the end of a pipe. Never
    /// ends when both are closed.
    pub(super) async fn ready(&self) {
        if let Some(end) = self.rest_until {
            sleep_until(end).await;
        }
        if self.sources.iter().any(|source| source.more) {
            return;
        }
        match &self.arrivals {
            Some(arrivals) if !self.closed() => arrivals.wait().await,
            _ => std::future::pending().await,
        }
    }

    /// Reads what is there, at most a turn of each. Gives whether there may be
    /// more.
    pub(super) fn read(&mut self, buffer: &mut [u8], spool: Option<&Spool>) -> bool {
        self.rest_until = None;
        for index in self.in_order() {
            let before = self.total;
            let now = Instant::now();
            let close = |last: Option<Instant>| last.is_some_and(|last| now - last < CLOSE);
            let soon_again = close(self.sources[index].last.replace(now));
            // Both streams at once: their order is worth a wake-up for each line.
            let alone = !close(self.sources[1 - index].last);
            self.sources[index].more = true;
            for _ in 0..TURN {
                if self.read_once(index, buffer, spool).is_none() {
                    self.sources[index].more = false;
                    break;
                }
            }
            let small = self.total - before < SMALL && !self.sources[index].more;
            self.rest_until = (soon_again && alone && small).then(|| now + SPACING);
        }
        self.sources.iter().any(|source| source.more)
    }

    /// Reads what the program left in the pipes when it ended: until a pipe is
    /// empty, or more than it can hold was read, because a daemon goes on.
    pub(super) fn drain(&mut self, buffer: &mut [u8], spool: Option<&Spool>) {
        self.rest_until = None;
        let mut order = self.in_order();
        // Also those without news: a read that was cut short by its turn.
        order.extend((0..2).filter(|index| !order.contains(index)).collect::<Vec<_>>());
        for index in order {
            let mut total = 0;
            while total <= PIPE_SIZE {
                match self.read_once(index, buffer, spool) {
                    Some(length) => total += length,
                    None => {
                        self.sources[index].more = false;
                        break;
                    }
                }
            }
        }
    }

    /// The pipes with something to read: those with a rest of it first, then
    /// in the order in which they became readable.
    fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..2).filter(|&index| self.sources[index].more).collect();
        let news = self.arrivals.as_ref().map(Arrivals::in_order);
        match news {
            // A place is that of a source: the first pipe is always there.
            Some(Ok(news)) => news.into_iter().for_each(|index| {
                if !order.contains(&index) {
                    order.push(index);
                }
            }),
            Some(Err(error)) => tracing::warn!(%error, "a program's pipes cannot be watched"),
            None => {}
        }
        order
    }

    /// Reads once, into the spool. `None` when there is nothing more for now.
    fn read_once(&mut self, index: usize, buffer: &mut [u8], spool: Option<&Spool>) -> Option<usize> {
        let source = &mut self.sources[index];
        let pipe = source.pipe.as_ref()?;
        match rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut buffer[HEADER_LENGTH..])) {
            Ok(0) => {
                source.pipe = None;
                None
            }
            Ok(length) => {
                self.total += length;
                if let Some(spool) = spool {
                    spool.append_in_place(source.stream, &mut buffer[..HEADER_LENGTH + length]);
                }
                Some(length)
            }
            Err(rustix::io::Errno::WOULDBLOCK) => None,
            Err(error) => {
                tracing::warn!(%error, "a program's pipe cannot be read");
                source.pipe = None;
                None
            }
        }
    }
}
