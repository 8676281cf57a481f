//! Who runs next. At most so many runs are under way at once, and at most so
//! many of one person. The others wait in a [`line::Line`] in which people, and
//! the agents of each, take turns. The line has an end: past it a start is
//! refused, so that what waits takes no more memory than was said.

mod line;

use crate::RunsError;
use line::Line;
use model::{AgentId, UserId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Under way at once.
    pub(crate) places: usize,
    /// Of these, of one person.
    pub(crate) of_one_person: usize,
    /// Waiting.
    pub(crate) waiting: usize,
}

/// The places there are, and the line before them.
pub(crate) struct Queue(Arc<Shared>);

struct Shared {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    line: Line<oneshot::Sender<Place>>,
    /// How many are under way, by person; nobody with none.
    under_way: HashMap<UserId, usize>,
    all_under_way: usize,
    next_number: u64,
}

/// A place; free again when dropped.
pub(crate) struct Place {
    shared: Arc<Shared>,
    person: UserId,
}

/// A place in the line; given up when dropped.
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    person: UserId,
    number: u64,
    place: oneshot::Receiver<Place>,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        let limits = Limits {
            places: limits.places.max(1),
            of_one_person: limits.of_one_person.max(1),
            waiting: limits.waiting,
        };
        let state = Mutex::new(State {
            line: Line::new(),
            under_way: HashMap::new(),
            all_under_way: 0,
            next_number: 0,
        });
        Self(Arc::new(Shared { limits, state }))
    }

    /// Gets in line.
    ///
    /// # Errors
    /// When the line is full.
    pub(crate) fn join(&self, person: &UserId, agent: &AgentId) -> Result<Ticket, RunsError> {
        let (gives, place) = oneshot::channel();
        let number = {
            let mut state = self.0.locked();
            if state.line.length() >= self.0.limits.waiting && !self.0.has_place(&state, person) {
                return Err(RunsError::Busy(format!(
                    "{} runs wait for their turn already, and no more can. Try again in a moment.",
                    state.line.length()
                )));
            }
            let number = state.next_number;
            state.next_number += 1;
            state.line.join(person, agent, number, gives);
            number
        };
        let ticket = Ticket {
            shared: Arc::clone(&self.0),
            person: person.clone(),
            number,
            place,
        };
        give(&self.0);
        Ok(ticket)
    }

    /// How many wait, how many places are taken, and how many there are.
    pub(crate) fn figures(&self) -> (u64, u64, u64) {
        let state = self.0.locked();
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        (
            wide(state.line.length()),
            wide(state.all_under_way),
            wide(self.0.limits.places),
        )
    }

    /// A place for a run that an earlier process started: it runs already, so it does not wait.
    pub(crate) fn already_running(&self, person: &UserId) -> Place {
        self.0.locked().take(person);
        Place {
            shared: Arc::clone(&self.0),
            person: person.clone(),
        }
    }
}

impl State {
    fn of(&self, person: &UserId) -> usize {
        self.under_way.get(person).copied().unwrap_or(0)
    }

    fn take(&mut self, person: &UserId) {
        self.all_under_way += 1;
        *self.under_way.entry(person.clone()).or_default() += 1;
    }

    fn release(&mut self, person: &UserId) {
        self.all_under_way = self.all_under_way.saturating_sub(1);
        if let Some(count) = self.under_way.get_mut(person) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(person);
            }
        }
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_place(&self, state: &State, person: &UserId) -> bool {
        state.all_under_way < self.limits.places && state.of(person) < self.limits.of_one_person
    }
}

/// Gives the free places to those whose turn it is.
fn give(shared: &Arc<Shared>) {
    loop {
        let (gives, person) = {
            let mut state = shared.locked();
            if state.all_under_way >= shared.limits.places {
                return;
            }
            let State { line, under_way, .. } = &mut *state;
            let most = shared.limits.of_one_person;
            let next = line.next(|person| under_way.get(person).is_none_or(|count| *count < most));
            let Some((person, gives)) = next else { return };
            state.take(&person);
            (gives, person)
        };
        let place = Place {
            shared: Arc::clone(shared),
            person,
        };
        // Whoever gave up in this moment gives the place back by dropping it, below no lock.
        let _ = gives.send(place);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.locked().release(&self.person);
        give(&self.shared);
    }
}

impl Ticket {
    /// Waits for a place. Can be called again after it was not waited for to the end.
    pub(crate) async fn place(&mut self) -> Place {
        match (&mut self.place).await {
            Ok(place) => place,
            // The sender is dropped by nobody but the one who has the ticket.
            Err(_) => std::future::pending().await,
        }
    }

    /// The place in the line and why it waits, in words.
    pub(crate) fn words(&self) -> String {
        let state = self.shared.locked();
        let limits = &self.shared.limits;
        let before = state.line.before(&self.person, self.number).unwrap_or(0);
        let own = state.of(&self.person);
        let why = if state.all_under_way >= limits.places {
            format!(
                "{} under way, as many as may be at once",
                runs(state.all_under_way, "")
            )
        } else {
            format!(
                "{} under way, as many as one person may have",
                runs(own, " of the same person")
            )
        };
        format!("Waits for its turn, number {} in the line: {why}.", before + 1)
    }
}

fn runs(count: usize, whose: &str) -> String {
    match count {
        1 => format!("1 run{whose} is"),
        _ => format!("{count} runs{whose} are"),
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let left = self.shared.locked().line.leave(&self.person, self.number);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn queue(places: usize, of_one_person: usize, waiting: usize) -> Queue {
        Queue::new(Limits {
            places,
            of_one_person,
            waiting,
        })
    }

    fn ready(ticket: &mut Ticket) -> Option<Place> {
        ticket.place().now_or_never()
    }

    #[test]
    fn places_are_given_and_come_back() {
        let queue = queue(2, 2, 10);
        let (one, other, agent) = (UserId::generate(), UserId::generate(), AgentId::generate());
        let mut tickets: Vec<_> = [&one, &one, &one, &one, &other]
            .map(|person| queue.join(person, &agent).expect("a ticket"))
            .into();
        let first = ready(&mut tickets[0]).expect("a place");
        let _second = ready(&mut tickets[1]).expect("a place");
        assert!(tickets[2..].iter_mut().all(|ticket| ready(ticket).is_none()));
        let words = tickets[3].words();
        assert_eq!(
            words,
            "Waits for its turn, number 3 in the line: 2 runs are under way, as many as may be at once."
        );
        drop(first);
        assert!(ready(&mut tickets[4]).is_none(), "who came first is served first");
        let third = ready(&mut tickets[2]).expect("a place");
        drop(third);
        assert!(
            ready(&mut tickets[4]).is_some(),
            "then the other, before the fourth of one"
        );
    }

    #[test]
    fn one_person_leaves_room_for_others() {
        let queue = queue(4, 2, 10);
        let (one, other, agent) = (UserId::generate(), UserId::generate(), AgentId::generate());
        let mut own: Vec<_> = (0..3)
            .map(|_| queue.join(&one, &agent).expect("a ticket"))
            .collect();
        let mut of_other = queue.join(&other, &agent).expect("a ticket");
        let place = ready(&mut own[0]).expect("a place");
        let _held = ready(&mut own[1]).expect("a place");
        assert!(ready(&mut own[2]).is_none());
        assert_eq!(
            own[2].words(),
            "Waits for its turn, number 1 in the line: 2 runs of the same person are under way, as many as one person may have."
        );
        assert!(ready(&mut of_other).is_some());
        drop(place);
        assert!(ready(&mut own[2]).is_some());
    }

    #[test]
    fn who_gives_up_holds_nobody_back_and_loses_no_place() {
        let queue = queue(1, 1, 2);
        let (person, agent) = (UserId::generate(), AgentId::generate());
        let mut first = queue.join(&person, &agent).expect("a ticket");
        let place = ready(&mut first).expect("a place");
        let second = queue.join(&person, &agent).expect("a ticket");
        let mut third = queue.join(&person, &agent).expect("a ticket");
        let full = queue.join(&person, &agent).err().expect("the line is full");
        assert!(full.to_string().starts_with("2 runs wait"), "{full}");
        drop(second);
        drop(place);
        // Given and never taken: the place comes back.
        third.place.close();
        drop(third);
        let mut fourth = queue.join(&person, &agent).expect("a ticket");
        assert!(ready(&mut fourth).is_some());
    }

    #[test]
    fn runs_of_an_earlier_process_count() {
        let queue = queue(1, 1, 2);
        let (person, agent) = (UserId::generate(), AgentId::generate());
        let (one, other) = (queue.already_running(&person), queue.already_running(&person));
        let mut ticket = queue.join(&person, &agent).expect("a ticket");
        drop(one);
        assert!(ready(&mut ticket).is_none());
        drop(other);
        assert!(ready(&mut ticket).is_some());
    }
}
