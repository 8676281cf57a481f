//! Failed attempts to sign in, counted by address, so that a password cannot
//! be guessed by trying.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many attempts an address has in [`WINDOW`].
const MOST: usize = 10;
/// How long an attempt counts.
const WINDOW: Duration = Duration::from_secs(300);
/// Past so many addresses those that no longer count are dropped.
const SWEEP: usize = 1024;

/// The attempts that count now.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<IpAddr, Vec<Instant>>>);

impl Attempts {
    /// Counts an attempt before it is made, so that many at once count too.
    ///
    /// # Errors
    /// When there were too many: how long to wait.
    pub fn begin(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > SWEEP {
            all.retain(|_, attempts| {
                attempts
                    .last()
                    .is_some_and(|last| now.duration_since(*last) < WINDOW)
            });
        }
        let attempts = all.entry(address).or_default();
        attempts.retain(|attempt| now.duration_since(*attempt) < WINDOW);
        match attempts.first() {
            Some(first) if attempts.len() >= MOST => Err(WINDOW.saturating_sub(now.duration_since(*first))),
            _ => {
                attempts.push(now);
                Ok(())
            }
        }
    }

    /// Forgets the attempts of an address that signed in.
    pub fn succeeded(&self, address: IpAddr) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_waits() {
        let attempts = Attempts::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let start = Instant::now();
        for _ in 0..MOST {
            attempts.begin(one, start).expect("within the limit");
        }
        assert_eq!(
            attempts.begin(one, start + Duration::from_secs(100)),
            Err(Duration::from_secs(200))
        );
        attempts.begin(other, start).expect("another address");
        attempts.begin(one, start + WINDOW).expect("later");
        attempts.succeeded(one);
        attempts.begin(one, start).expect("forgotten");
    }
}
