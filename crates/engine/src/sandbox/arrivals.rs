//! Which of several pipes became readable first.
//!
//! Nothing in two pipes says which of two writes came first. What the kernel
//! does keep is the order in which pipes became readable: an epoll set of their
//! own reports it first in, first out.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{Timespec, epoll};
use tokio::io::unix::AsyncFd;

/// A watch over some pipes.
#[derive(Debug)]
pub struct Arrivals {
    set: AsyncFd<OwnedFd>,
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
        // SAFETY: an OwnedFd names the same open descriptor for as long as it lives.
        let set = unsafe { AsyncFd::register(set)? };
        Ok(Self { set })
    }

    /// Waits until one of the pipes has news: bytes, or its end.
    pub async fn wait(&self) {
        // It fails when the runtime ends; then there is nothing to wait for.
        if let Ok(mut guard) = self.set.readable().await {
            // What comes from now on is news again.
            guard.clear_ready();
        }
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
