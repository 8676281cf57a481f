//! Counts in windows of a minute.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Throttler;

/// The length of a window.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// With more counts than this, those of past windows are dropped.
const MANY: usize = 10_000;
/// How often that is done at most.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a count stands after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub limit: u32,
    pub remaining: u32,
    /// When the window ends.
    pub reset: Duration,
    /// This call was one too many.
    pub exceeded: bool,
}

impl Standing {
    /// Whole seconds until the window ends, at least one.
    pub(super) fn reset_seconds(&self) -> u64 {
        self.reset.as_secs_f64().ceil().max(1.0) as u64
    }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    calls: u32,
}

#[derive(Debug, Default)]
struct Counts {
    all: HashMap<(Throttler, String), Window>,
    swept: Option<Instant>,
}

impl Counts {
    /// Drops what is past, now and then. So many at once that it helps nothing
    /// are no honest clients: the counts begin anew.
    fn sweep(&mut self, now: Instant) {
        if self.all.len() < MANY {
            return;
        }
        if self.swept.is_none_or(|last| now.duration_since(last) >= PAUSE) {
            self.swept = Some(now);
            self.all.retain(|_, window| window.is_open(now));
        }
        if self.all.len() >= 2 * MANY {
            self.all.clear();
        }
    }
}

/// The counts, by what is counted and for whom.
#[derive(Debug, Default)]
pub(super) struct Windows(Mutex<Counts>);

impl Windows {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one call more.
    pub(super) fn count(&self, throttler: Throttler, whose: &str, limit: u32, now: Instant) -> Standing {
        let mut counts = self.counts();
        counts.sweep(now);
        let new = Window { since: now, calls: 0 };
        let window = counts.all.entry((throttler, whose.to_owned())).or_insert(new);
        if !window.is_open(now) {
            *window = new;
        }
        window.calls = window.calls.saturating_add(1);
        Standing {
            limit,
            remaining: limit.saturating_sub(window.calls),
            reset: WINDOW.saturating_sub(now.duration_since(window.since)),
            exceeded: window.calls > limit,
        }
    }

    /// How many calls were counted in the window that is open.
    pub(super) fn look(&self, throttler: Throttler, whose: &str, now: Instant) -> u32 {
        let counts = self.counts();
        let window = counts.all.get(&(throttler, whose.to_owned()));
        window
            .filter(|window| window.is_open(now))
            .map_or(0, |window| window.calls)
    }
}

impl Window {
    fn is_open(&self, now: Instant) -> bool {
        now.duration_since(self.since) < WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_each_by_itself_and_ends() {
        let windows = Windows::default();
        let start = Instant::now();
        let call = |whose, after| {
            let now = start + Duration::from_secs(after);
            windows.count(Throttler::Authenticated, whose, 2, now)
        };
        assert_eq!(call("a", 0).remaining, 1);
        assert!(!call("a", 1).exceeded);
        let third = call("a", 20);
        assert!(third.exceeded);
        assert_eq!((third.remaining, third.reset_seconds()), (0, 40));
        assert!(!call("b", 20).exceeded);
        assert!(!call("a", 60).exceeded);
    }

    #[test]
    fn a_look_counts_nothing() {
        let windows = Windows::default();
        let now = Instant::now();
        assert_eq!(windows.look(Throttler::FailedAuth, "a", now), 0);
        windows.count(Throttler::FailedAuth, "a", 1, now);
        assert_eq!(windows.look(Throttler::FailedAuth, "a", now), 1);
        assert_eq!(windows.look(Throttler::FailedAuth, "b", now), 0);
        assert_eq!(windows.look(Throttler::FailedAuth, "a", now + WINDOW), 0);
    }

    #[test]
    fn addresses_without_number_do_not_fill_the_memory() {
        let start = Instant::now();
        let count = |windows: &Windows, number: usize, now| {
            windows.count(Throttler::FailedAuth, &number.to_string(), 9, now);
            windows.counts().all.len()
        };
        let windows = Windows::default();
        assert!((0..5 * MANY).all(|number| count(&windows, number, start) <= 2 * MANY));
        // Those of past windows go by themselves.
        let windows = Windows::default();
        for number in 0..MANY {
            count(&windows, number, start);
        }
        assert_eq!(count(&windows, 0, start + WINDOW), 1);
    }
}
