//! Pauses shorter than the runtime's timer can keep: that one counts whole
//! milliseconds and rounds up, so a pause of one lasts two.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};
use tokio::time::Instant;

/// A timer of the kernel's.
#[derive(Debug)]
pub struct Pause {
    timer: AsyncFd<OwnedFd>,
}

impl Pause {
    /// # Errors
    /// When the process may open no more descriptors.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // SAFETY: the descriptor is owned by what watches it.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { timer })
    }

    /// Waits until then. One at a time; dropped, it may be called again.
    ///
    /// # Errors
    /// What the system says; nobody waited then.
    pub async fn until(&self, end: Instant) -> io::Result<()> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: zero,
            it_value: Timespec::try_from(left).unwrap_or(zero),
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.timer.readable().await?;
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
            // Otherwise it was the end of an earlier one, or no end at all.
            if let Ok(read) = read {
                return read.map(|_| ());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_lasts_as_long_as_asked_also_after_one_that_was_given_up() {
        let pause = Pause::new().unwrap();
        for _ in 0..20 {
            let given_up = pause.until(Instant::now() + Duration::from_micros(50));
            let _ = tokio::time::timeout(Duration::ZERO, given_up).await;
            std::thread::sleep(Duration::from_micros(100));
            let end = Instant::now() + Duration::from_micros(300);
            pause.until(end).await.unwrap();
            assert!(Instant::now() >= end);
        }
    }
}
