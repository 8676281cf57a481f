//! How much goes on here at this moment, for an operator's figures.

use crate::Runs;
use model::RunState;
use std::collections::BTreeMap;

/// What this server is busy with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The runs it drives, by the words of their states.
    pub under_way: BTreeMap<&'static str, u64>,
    /// Runs that wait for a place.
    pub waiting: u64,
    /// Places that are taken.
    pub places_taken: u64,
    /// Places there are.
    pub places: u64,
}

impl Runs {
    /// Counts. Asks neither the database nor the provider.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let unfinished = RunState::ALL.into_iter().filter(|state| !state.is_end());
        let mut under_way: BTreeMap<_, _> = unfinished.map(|state| (state.as_str(), 0)).collect();
        for (state, count) in self.context.hub.by_state() {
            // One that has just ended is let go in a moment.
            if let Some(known) = under_way.get_mut(state) {
                *known = count;
            }
        }
        let (waiting, places_taken, places) = self.context.queue.figures();
        Figures {
            under_way,
            waiting,
            places_taken,
            places,
        }
    }
}
