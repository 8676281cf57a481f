//! Those who show no valid key: they are counted, and past the limit told to
//! come later.
//!
//! A key that was made here has 256 random bits, nobody guesses it, and it is
//! valid from wherever it comes. The engine's own key may be a short word that
//! a person chose: it is not believed from where many wrong ones came.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::Extensions;
use axum::http::request::Parts;
use axum::response::Response;

use super::calls::too_many;
use super::{Throttle, Throttler};

/// Where a connection comes from, as far as guessing is counted: an address,
/// or what one customer of an IPv6 provider has of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer(String);

impl Peer {
    /// The peer of a request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let addr = extensions.get::<ConnectInfo<SocketAddr>>();
        addr.map_or_else(|| Self("unknown".to_owned()), |addr| Self::at(addr.0))
    }

    fn at(addr: SocketAddr) -> Self {
        match addr.ip().to_canonical() {
            IpAddr::V4(addr) => Self(addr.to_string()),
            IpAddr::V6(addr) => {
                let [one, two, three, four, ..] = addr.segments();
                Self(format!("{one:x}:{two:x}:{three:x}:{four:x}::/64"))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Throttle {
    /// Whether a peer showed too often what is not valid.
    pub(crate) fn is_guessing(&self, peer: &Peer) -> bool {
        let limit = self.limit(Throttler::FailedAuth);
        limit > 0 && {
            let now = Instant::now();
            let windows = &self.windows;
            windows.look(Throttler::FailedAuth, &peer.0, now) >= limit
        }
    }

    /// Counts a call that showed nothing valid; an answer when it was one too
    /// many.
    pub(crate) fn failed(&self, peer: &Peer) -> Option<Response> {
        let limit = self.limit(Throttler::FailedAuth);
        if limit == 0 {
            return None;
        }
        let standing = self
            .windows
            .count(Throttler::FailedAuth, &peer.0, limit, Instant::now());
        standing
            .exceeded
            .then(|| too_many(Throttler::FailedAuth, &standing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throttle::RateLimits;

    fn peer(text: &str) -> Peer {
        Peer::at(text.parse().unwrap())
    }

    #[test]
    fn peers_are_told_apart_by_what_one_of_them_has() {
        assert_eq!(peer("1.2.3.4:5"), peer("1.2.3.4:6"));
        assert_eq!(peer("1.2.3.4:5"), peer("[::ffff:1.2.3.4]:5"));
        assert_ne!(peer("1.2.3.4:5"), peer("1.2.3.5:5"));
        assert_eq!(peer("[2001:db8::1]:5"), peer("[2001:db8::ffff:1]:5"));
        assert_ne!(peer("[2001:db8::1]:5"), peer("[2001:db8:0:1::1]:5"));
    }

    #[test]
    fn who_guesses_is_told_to_wait_and_nobody_else() {
        let throttle = Throttle::new(RateLimits {
            failed_auth: 2,
            ..RateLimits::default()
        });
        let (one, other) = (peer("1.2.3.4:5"), peer("1.2.3.5:5"));
        assert!(throttle.failed(&one).is_none());
        assert!(!throttle.is_guessing(&one));
        assert!(throttle.failed(&one).is_none());
        assert!(throttle.is_guessing(&one));
        let answer = throttle.failed(&one).unwrap();
        assert_eq!(answer.status(), 429);
        assert!(answer.headers().contains_key("retry-after"));
        assert!(answer.headers().contains_key("retry-after-failed-auth"));
        assert!(!throttle.is_guessing(&other));
        let open = Throttle::new(RateLimits {
            failed_auth: 0,
            ..RateLimits::default()
        });
        assert!((0..1000).all(|_| open.failed(&one).is_none()));
    }
}
