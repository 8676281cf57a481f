//! Whether a quiet connection still has somebody at its other end.

use tokio::time::{Duration, Instant};

/// After how long without a sign we send a ping.
const PING_AFTER: Duration = Duration::from_secs(20);
/// After how long without a sign the connection counts as broken.
const BROKEN_AFTER: Duration = Duration::from_secs(45);

/// The clock of one connection: a sign is anything that arrives.
#[derive(Debug)]
pub(super) struct Liveness {
    last_sign: Instant,
    last_ping: Instant,
}

/// What to do when nothing arrived until [`Liveness::next_step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ping,
    GiveUp,
}

impl Liveness {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            last_sign: now,
            last_ping: now,
        }
    }

    /// Something arrived.
    pub(super) fn sign(&mut self) {
        self.last_sign = Instant::now();
    }

    /// Until when to wait for something, and what to do then.
    pub(super) fn next_step(&self) -> (Instant, Step) {
        let ping = self.last_sign.max(self.last_ping) + PING_AFTER;
        let broken = self.last_sign + BROKEN_AFTER;
        if ping < broken {
            (ping, Step::Ping)
        } else {
            (broken, Step::GiveUp)
        }
    }

    /// A ping was sent.
    pub(super) fn pinged(&mut self) {
        self.last_ping = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_quiet_peer_is_pinged_and_then_given_up() {
        let started = Instant::now();
        let mut liveness = Liveness::new();
        let mut pings = 0;
        let given_up = loop {
            let (until, step) = liveness.next_step();
            tokio::time::sleep_until(until).await;
            match step {
                Step::Ping => {
                    pings += 1;
                    liveness.pinged();
                }
                Step::GiveUp => break started.elapsed(),
            }
        };
        assert_eq!((pings, given_up), (2, BROKEN_AFTER));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_starts_the_clock_again() {
        let mut liveness = Liveness::new();
        tokio::time::sleep(Duration::from_secs(44)).await;
        liveness.sign();
        assert_eq!(liveness.next_step(), (Instant::now() + PING_AFTER, Step::Ping));
    }
}
