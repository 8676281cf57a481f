//! What a storm does and when: everything follows from the seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// How many agents there are.
pub const AGENTS: usize = 12;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// This agent is run; the order is given twice when so.
    Start { agent: usize, twice: bool },
    /// The newest run of this agent is stopped.
    Stop { agent: usize },
    /// kill -9 of the process that holds the runs; another takes over.
    KillServer,
    /// kill -9 of the engine; another starts in its place.
    KillEngine,
    /// Every connection breaks.
    Cut,
    /// Nobody answers for so long.
    Away(Duration),
    /// Everything is taken and nothing answered for so long.
    Silent(Duration),
}

/// Everything that happens within `time`, each with how long after the one before.
pub fn schedule(seed: u64, time: Duration) -> Vec<(Duration, Action)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut actions = Vec::new();
    let mut at = Duration::ZERO;
    while at < time {
        let pause = Duration::from_millis(random.random_range(50..500));
        at += pause;
        let agent = random.random_range(0..AGENTS);
        let away = Duration::from_millis(random.random_range(100..2500));
        let action = match random.random_range(0..1000) {
            0..620 => Action::Start {
                agent,
                twice: random.random_bool(0.3),
            },
            620..740 => Action::Stop { agent },
            740..830 => Action::Cut,
            830..880 => Action::Away(away),
            880..920 => Action::Silent(away),
            920..990 => Action::KillServer,
            _ => Action::KillEngine,
        };
        actions.push((pause, action));
    }
    actions
}
