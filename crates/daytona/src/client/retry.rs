//! When a call may be sent again, and after how long.
//!
//! A provider bills what it executes, and a program started twice does its
//! work twice. So a call that changes something is repeated only when it is
//! certain that it was not executed: no connection came about, it was turned
//! away by the rate limit, or the sandbox had no address yet.

use http::Method;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// How often a call is sent again after a failure of the network or a gateway.
const REPEATS: u32 = 3;
/// For how long a connection is tried for; one that hangs is not tried again.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is sent again after the rate limit turned it away.
const RATE_LIMIT_REPEATS: u32 = 5;
/// The longest the rate limit may make us wait; past it the caller decides.
const RATE_LIMIT_PATIENCE: Duration = Duration::from_secs(60);
/// How long a started sandbox may go without an address.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(10);
/// What the proxy says of a sandbox that has no address yet.
const NO_ADDRESS: &str = "no IP address found";

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure<'a> {
    /// No connection came about.
    NotConnected,
    /// The connection broke after the request may have been received.
    Broken,
    /// The provider answered with an error.
    Answered {
        status: u16,
        message: &'a str,
        retry_after: Option<Duration>,
    },
}

/// How long to wait before sending again; none when it must not or need not be.
/// `attempt` counts the failures before this one, `elapsed` runs from the
/// first attempt.
pub(super) fn pause(
    method: &Method,
    failure: Failure<'_>,
    attempt: u32,
    elapsed: Duration,
) -> Option<Duration> {
    let idempotent = matches!(*method, Method::GET | Method::DELETE);
    match failure {
        Failure::NotConnected => (attempt < REPEATS && elapsed < CONNECT_PATIENCE).then(|| back_off(attempt)),
        Failure::Broken => (idempotent && attempt < REPEATS).then(|| back_off(attempt)),
        Failure::Answered {
            status: 429,
            retry_after,
            ..
        } => {
            let wait = retry_after.unwrap_or_else(|| back_off(attempt + 2));
            (attempt < RATE_LIMIT_REPEATS && wait <= RATE_LIMIT_PATIENCE).then_some(wait)
        }
        Failure::Answered {
            status: 400, message, ..
        } if message.contains(NO_ADDRESS) => (elapsed < ADDRESS_PATIENCE).then(|| back_off(attempt)),
        Failure::Answered {
            status: 502..=504,
            retry_after,
            ..
        } => {
            let wait = retry_after.unwrap_or_else(|| back_off(attempt));
            (idempotent && attempt < REPEATS && wait <= RATE_LIMIT_PATIENCE).then_some(wait)
        }
        Failure::Answered { .. } => None,
    }
}

/// 100 ms, doubled each time up to 2 s, and up to a quarter more at random so
/// that clients that failed together do not come back together.
pub(super) fn back_off(attempt: u32) -> Duration {
    let millis = (100_u64 << attempt.min(5)).min(2000);
    // A new RandomState is keyed by the operating system's randomness.
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(millis + random % (millis / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, message: &str) -> Failure<'_> {
        Failure::Answered {
            status,
            message,
            retry_after: None,
        }
    }

    #[test]
    fn a_call_that_changes_something_is_repeated_only_when_it_was_not_executed() {
        let post = |failure| pause(&Method::POST, failure, 0, Duration::ZERO);
        assert!(post(Failure::NotConnected).is_some());
        assert!(post(answered(429, "Rate limit exceeded")).is_some());
        let start = "bad request: failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?";
        assert!(post(answered(400, start)).is_some());
        assert!(post(Failure::Broken).is_none());
        for status in [400, 404, 408, 409, 500, 502, 503, 504] {
            assert!(post(answered(status, "")).is_none(), "{status}");
        }
    }

    #[test]
    fn a_call_that_reads_or_deletes_is_repeated_when_a_gateway_failed() {
        for method in [Method::GET, Method::DELETE] {
            for status in [502, 503, 504] {
                assert!(pause(&method, answered(status, ""), 0, Duration::ZERO).is_some());
                assert!(pause(&method, answered(status, ""), REPEATS, Duration::ZERO).is_none());
            }
            assert!(pause(&method, Failure::Broken, 0, Duration::ZERO).is_some());
            assert!(pause(&method, answered(500, ""), 0, Duration::ZERO).is_none());
            assert!(pause(&method, answered(404, ""), 0, Duration::ZERO).is_none());
        }
    }

    #[test]
    fn the_rate_limit_is_waited_for_as_long_as_it_says_but_not_for_ever() {
        let limited = |seconds| Failure::Answered {
            status: 429,
            message: "",
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(
            pause(&Method::POST, limited(7), 0, Duration::ZERO),
            Some(Duration::from_secs(7))
        );
        assert_eq!(pause(&Method::POST, limited(3600), 0, Duration::ZERO), None);
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        assert!(back_off(0) >= Duration::from_millis(100) && back_off(0) < Duration::from_millis(126));
        assert!(
            back_off(u32::MAX) >= Duration::from_secs(2) && back_off(u32::MAX) < Duration::from_millis(2501)
        );
    }
}
