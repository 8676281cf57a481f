//! The two pipes of a program's output, read in the order they are written to.
//!
//! When both have something, the one that had it first is read first
//! (`Arrivals`): a traceback follows what was printed before it, however late
//! we are. Writes that alternate faster than they are read are still told
//! stream by stream.

use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::BytesMut;
use daytona::wire::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::{Instant, sleep_until};

use super::record::read_record;
use crate::sandbox::{Arrivals, Pause};
use crate::spool::Spool;

/// The most a pipe holds.
pub(super) const PIPE_SIZE: usize = 1 << 20;
/// Reads in a row before the other stream and other tasks get their turn.
const TURN: usize = 8;
/// A program that writes line by line would wake us for every line, and be
/// held up by that. Reads that empty the pipe and follow each other faster than
/// this are spaced by it; the first after a silence is never delayed.
const SPACING: Duration = Duration::from_millis(1);
/// After a turn that read this much, the spacing is kept exactly: at 600 MB/s a
/// pipe is little more than half full after it, and full after the two
/// milliseconds that the runtime's timer makes of it.
const MUCH: usize = 64 << 10;
/// Reads closer than this follow each other.
const CLOSE: Duration = SPACING.saturating_mul(4);

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
    /// Something is there although the pipe was found empty: newer bytes, or
    /// the packets of a pipe that keeps writes apart, or its end. No news may
    /// come of it any more.
    left: bool,
}

impl Source {
    /// Whether a read would give bytes or the end.
    fn has_something(&self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        self.pipe.as_ref().is_some_and(|pipe| {
            let mut asked = [PollFd::new(pipe, PollFlags::IN)];
            poll(&mut asked, Some(&now)).is_ok_and(|ready| ready > 0)
        })
    }
}

/// Both pipes.
pub(super) struct Sources {
    sources: [Source; 2],
    /// `None` when the pipes cannot be watched.
    arrivals: Option<Arrivals>,
    /// Nothing is read before this.
    rest_until: Option<Instant>,
    /// The rest is to be no longer than that.
    exactly: bool,
    /// Keeps exact rests; `None` until there is one.
    pause: Option<Pause>,
    /// Where records are read into; empty between two reads.
    buffer: BytesMut,
    total: usize,
}

/// What a read came to.
enum Outcome {
    /// So many bytes, and more may be there.
    More(usize),
    /// So many bytes; the pipe was empty after them.
    Last(usize),
    /// Nothing for now, or never again.
    Nothing,
}

impl Sources {
    pub(super) fn new(pipes: Pipes) -> Self {
        let source = |stream, pipe| Source {
            stream,
            pipe,
            last: None,
            more: false,
            left: false,
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
            exactly: false,
            pause: None,
            buffer: BytesMut::new(),
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
    pub(super) async fn ready(&mut self) {
        if let Some(end) = self.rest_until {
            self.rest(end).await;
        }
        if self.goes_on() {
            return;
        }
        match &self.arrivals {
            Some(arrivals) if !self.closed() => arrivals.wait().await,
            _ => std::future::pending().await,
        }
    }

    /// Something is to be read, whatever the news.
    fn goes_on(&self) -> bool {
        self.sources.iter().any(|source| source.more || source.left)
    }

    async fn rest(&mut self, end: Instant) {
        if self.exactly && self.pause.is_none() {
            self.pause = Pause::new()
                .inspect_err(|error| tracing::debug!(%error, "rests are longer than they need be"))
                .ok();
        }
        let kept = match &self.pause {
            Some(pause) if self.exactly => pause.until(end).await.is_ok(),
            _ => false,
        };
        if !kept {
            sleep_until(end).await;
        }
    }

    /// Reads what is there, at most a turn of each. Gives whether there may be
    /// more.
    pub(super) fn read(&mut self, spool: Option<&Spool>) -> bool {
        self.rest_until = None;
        for index in self.in_order() {
            let now = Instant::now();
            let close = |last: Option<Instant>| last.is_some_and(|last| now - last < CLOSE);
            let soon_again = close(self.sources[index].last.replace(now));
            // Both streams at once: their order is worth a wake-up for each line.
            let alone = !close(self.sources[1 - index].last);
            let before = self.total;
            self.sources[index].more = true;
            self.sources[index].left = false;
            // News are told once. What came with them may have been the end as
            // well, which one more read finds.
            let mut again = true;
            for _ in 0..TURN {
                match self.read_once(index, spool) {
                    Outcome::More(_) => {}
                    Outcome::Last(_) if again => again = false,
                    Outcome::Last(_) => {
                        self.sources[index].more = false;
                        self.sources[index].left = self.sources[index].has_something();
                        break;
                    }
                    Outcome::Nothing => {
                        self.sources[index].more = false;
                        break;
                    }
                }
            }
            let rests = soon_again && alone && !self.sources[index].more;
            self.rest_until = rests.then(|| Instant::now() + SPACING);
            self.exactly = self.total - before >= MUCH;
        }
        self.goes_on()
    }

    /// Reads what the program left in the pipes when it ended: until a pipe is
    /// empty, or more than it can hold was read, because a daemon goes on.
    pub(super) fn drain(&mut self, spool: Option<&Spool>) {
        self.rest_until = None;
        let mut order = self.in_order();
        // Also those without news: a read that was cut short by its turn.
        order.extend((0..2).filter(|index| !order.contains(index)).collect::<Vec<_>>());
        for index in order {
            let mut total = 0;
            while total <= PIPE_SIZE {
                match self.read_once(index, spool) {
                    Outcome::More(length) | Outcome::Last(length) => total += length,
                    Outcome::Nothing => {
                        self.sources[index].more = false;
                        self.sources[index].left = false;
                        break;
                    }
                }
            }
        }
    }

    /// The pipes with something to read: those with a rest of it first, then
    /// in the order in which they became readable, then those with something
    /// newer.
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
        let left = (0..2).filter(|&index| self.sources[index].left && !order.contains(&index));
        order.extend(left.collect::<Vec<_>>());
        order
    }

    /// Reads once, into the spool.
    fn read_once(&mut self, index: usize, spool: Option<&Spool>) -> Outcome {
        let source = &mut self.sources[index];
        let Some(pipe) = source.pipe.as_ref() else {
            return Outcome::Nothing;
        };
        match read_record(pipe, &mut self.buffer) {
            Ok(None) => {
                source.pipe = None;
                Outcome::Nothing
            }
            Ok(Some(read)) => {
                self.total += read.length;
                if let Some(spool) = spool {
                    spool.append_record(source.stream, read.record);
                }
                if read.filled {
                    Outcome::More(read.length)
                } else {
                    Outcome::Last(read.length)
                }
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Outcome::Nothing,
            Err(error) => {
                tracing::warn!(%error, "a program's pipe cannot be read");
                source.pipe = None;
                Outcome::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    /// Also of a program that has its writes kept apart, as packets.
    #[tokio::test]
    async fn the_end_is_found_that_came_together_with_the_last_bytes() {
        for (packets, flags, length) in [
            (1, PipeFlags::empty(), 1),
            (1, PipeFlags::empty(), PIPE_SIZE / 16),
            (10, PipeFlags::DIRECT, 3),
        ] {
            let flags = flags | PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
            let (stdout, write) = pipe_with(flags).unwrap();
            let mut sources = Sources::new(Pipes { stdout, stderr: None });
            for _ in 0..packets {
                assert_eq!(rustix::io::write(&write, &vec![b'x'; length]).unwrap(), length);
            }
            drop(write);
            while !sources.closed() {
                let ready = tokio::time::timeout(Duration::from_secs(5), sources.ready());
                ready.await.expect("the end is news");
                sources.read(None);
            }
            assert_eq!(sources.total(), packets * length);
        }
    }
}
