//! While a run waits for its turn: its place in the line, told as it moves on.

use super::Work;
use crate::queue::{Place, Ticket};
use std::time::Duration;

/// How often the place in the line is told anew.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Work {
    /// Waits for a place. Nothing is said when one is free at once.
    pub(super) async fn turn(&mut self, ticket: &mut Ticket) -> Place {
        let mut looks = tokio::time::interval(LOOK_AGAIN);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                place = ticket.place() => return place,
                _ = looks.tick() => self.record.waits(ticket.words()),
            }
        }
    }
}
