//! Which call meets which fault, decided by a seed: what happens to the n-th
//! call of a kind depends on the seed, the kind and n, and on nothing else.
//! The same program under the same seed therefore meets the same faults, also
//! when the calls of other kinds come in another order.

use super::fault::{Fault, SocketFault};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// Faults by seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What everything follows from.
    pub seed: u64,
    /// Of a thousand calls, how many meet a fault.
    pub calls: u32,
    /// Of a thousand sockets, how many do.
    pub sockets: u32,
    /// Whether calls that must not be sent twice meet only faults that leave no doubt whether they were
    /// executed.
    pub gentle: bool,
}

impl Plan {
    /// What the `count`-th call of this kind meets.
    #[must_use]
    pub fn call(&self, kind: &str, count: u64) -> Option<Fault> {
        let mut random = self.random(kind, count);
        if random.random_range(0..1000) >= self.calls {
            return None;
        }
        let harmless = [
            Fault::Refused {
                status: 429,
                retry_after: Some(random.random_range(0..=1)),
            },
            Fault::Refused {
                status: 429,
                retry_after: None,
            },
            Fault::Late(Duration::from_millis(random.random_range(1..300))),
            Fault::Slow,
        ];
        let others = [
            Fault::Refused {
                status: 500,
                retry_after: None,
            },
            Fault::Refused {
                status: 502,
                retry_after: None,
            },
            Fault::Refused {
                status: 503,
                retry_after: Some(0),
            },
            Fault::CutBefore,
            Fault::CutAfter,
            Fault::HalfAnswer,
            Fault::GatewayAfter(502),
        ];
        let reads = kind.starts_with("GET ") || kind.starts_with("DELETE ");
        let mut possible = harmless.to_vec();
        if reads || !self.gentle {
            possible.extend(others);
        }
        // Who starts a program twice breaks Daytona's protocol; who asks for a sandbox twice only wastes one.
        if reads || (!self.gentle && kind == "POST /api/sandbox") {
            possible.push(Fault::Twice);
        }
        possible.choose(&mut random).copied()
    }

    /// What the `count`-th socket of this kind meets.
    #[must_use]
    pub fn socket(&self, kind: &str, count: u64) -> Option<SocketFault> {
        let mut random = self.random(kind, count);
        if random.random_range(0..1000) >= self.sockets {
            return None;
        }
        let frame = random.random_range(0..12);
        let possible = [
            SocketFault::CutInFrame(frame),
            SocketFault::CutInFrame(frame * 8),
            SocketFault::CloseAfter(frame, 1000),
            SocketFault::CloseAfter(frame, 1001),
            SocketFault::CloseAfter(frame, 1011),
            SocketFault::Late(frame, Duration::from_millis(random.random_range(1..150))),
            SocketFault::Double(frame),
            SocketFault::Missing(frame),
            SocketFault::Swap(frame),
            SocketFault::Slow,
        ];
        possible.choose(&mut random).copied()
    }

    fn random(&self, kind: &str, count: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        // A stream of its own for each kind, and a place of its own in it for each call.
        random.set_stream(hash(kind));
        random.set_word_pos(u128::from(count) << 6);
        random
    }
}

/// The kind of a call: its method and path without the parts that name one thing among many.
#[must_use]
pub fn kind(method: &str, path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let names_one = part.len() >= 6 && part.bytes().any(|byte| byte.is_ascii_digit());
        if names_one { "*" } else { part }
    });
    format!("{method} {}", parts.collect::<Vec<_>>().join("/"))
}

/// FNV-1a: small, and the same everywhere and for ever, as a seed has to be.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PLAN: Plan = Plan {
        seed: 7,
        calls: 500,
        sockets: 500,
        gentle: true,
    };

    #[test]
    fn a_seed_says_the_same_again_and_another_says_something_else() {
        let all = |plan: Plan| -> Vec<_> {
            (0..200)
                .map(|count| (plan.call("GET /x", count), plan.socket("GET /y", count)))
                .collect()
        };
        assert_eq!(all(PLAN), all(PLAN));
        assert_ne!(all(PLAN), all(Plan { seed: 8, ..PLAN }));
        let met = all(PLAN).iter().filter(|(call, _)| call.is_some()).count();
        assert!((60..140).contains(&met), "{met} of 200 at one half");
    }

    #[test]
    fn every_fault_comes_and_a_gentle_plan_leaves_no_doubt() {
        let names = |plan: Plan, kind: &str| -> BTreeSet<_> {
            (0..2000)
                .filter_map(|count| plan.call(kind, count))
                .map(Fault::name)
                .collect()
        };
        assert_eq!(names(PLAN, "GET /x").len(), 10);
        assert_eq!(names(PLAN, "POST /x"), BTreeSet::from(["429", "late", "slow"]));
        let rough = Plan {
            gentle: false,
            ..PLAN
        };
        assert!(!names(rough, "POST /toolbox/*/exec").contains("sent twice"));
        let sockets: BTreeSet<_> = (0..2000)
            .filter_map(|count| PLAN.socket("GET /x", count))
            .map(SocketFault::name)
            .collect();
        assert_eq!(sockets.len(), 7);
    }

    #[test]
    fn a_kind_names_no_one_thing() {
        let path = "/toolbox/0199f3b2-aa/process/session/run-0199f3b2/command/c0ffee99/logs";
        assert_eq!(
            kind("GET", path),
            "GET /toolbox/*/process/session/*/command/*/logs"
        );
        assert_eq!(kind("POST", "/api/sandbox"), "POST /api/sandbox");
    }
}
