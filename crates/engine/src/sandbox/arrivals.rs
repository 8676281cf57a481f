//! Which of several pipes became readable first.
//!
//! Nothing in two pipes says which of two writes came first. What the kernel
//! does keep is the order in which pipes became readable: an epoll set of their
//! own reports it first in, first out.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use tokio::io::{Interest, unix::AsyncFd};

/// How long to wait where the system cannot wake us.
const AGAIN: Duration = Duration::from_millis(5);

/// A watch over some pipes.
#[derive(Debug)]
pub struct Arrivals {
    set: OwnedFd,
}

impl Arrivals {
    /// Watches these. A pipe that is closed later is watched no longer.
    ///
    /// # Errors
    /// When the process may open no more descriptors.
    pub fn of<'a>(pipes: impl IntoIterator<Item = &'a OwnedFd>) -> io::Result<Self> {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        for (number, pipe) in (0..).zip(pipes) {
            epoll::add(&set, pipe, epoll::EventData::new_u64(number), flags)?;
        }
        Ok(Self { set })
    }

    /// Waits until one of the pipes has news: bytes, or its end.
    ///
    /// The runtime watches the set for as long as this waits and no longer: a
    /// program that prints fast would wake it at every write otherwise, also
    /// while we read or rest, and those wake-ups cost more than the reading.
    pub async fn wait(&self) {
        if self.has_news() {
            // Others get their turn before a program that never pauses.
            return tokio::task::yield_now().await;
        }
        // SAFETY: the borrowed descriptor stays open while `self` is borrowed.
        let watched = unsafe { AsyncFd::register_with_interest(self.set.as_fd(), Interest::READABLE) };
        match watched {
            // It fails when the runtime ends; then there is nothing to wait for.
            Ok(set) => drop(set.readable().await),
            // The system watches no more descriptors; ask again a little later.
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }

    fn has_news(&self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut set = [PollFd::new(&self.set, PollFlags::IN)];
        poll(&mut set, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// The places of the pipes that had news since the last time, in the order
    /// it came. The news is told once: read until a pipe is empty.
    ///
    /// # Errors
    /// What the system says.
    pub fn in_order(&self) -> io::Result<Vec<usize>> {
        let mut events = Vec::with_capacity(8);
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        rustix::io::retry_on_intr(|| {
            epoll::wait(
                &self.set,
                rustix::buffer::spare_capacity(&mut events),
                Some(&none),
            )
        })?;
        let number = |event: &epoll::Event| usize::try_from(event.data.u64()).ok();
        Ok(events.iter().filter_map(number).collect())
    }
}
