//! What is told of a run, by its driver and by those who write for it: numbered,
//! told to readers at once, and queued for the database.

use crate::{Notice, Watch, journal::Change, live::LiveRun};
use model::{EventKind, Millis, Run, RunEvent, time::duration_words};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio::sync::mpsc;

/// Tells of one run.
pub(crate) struct Scribe {
    live: Arc<LiveRun>,
    changes: mpsc::UnboundedSender<Change>,
    watch: Watch,
    state: Mutex<State>,
}

struct State {
    next_event: i64,
    /// Since when the database does not take what is written, once that was told.
    away: Option<Instant>,
}

impl Scribe {
    /// Of a run that has this many events.
    pub(crate) fn new(
        live: Arc<LiveRun>,
        changes: mpsc::UnboundedSender<Change>,
        events: i64,
        watch: Watch,
    ) -> Self {
        let state = State {
            next_event: events + 1,
            away: None,
        };
        Self {
            live,
            changes,
            watch,
            state: Mutex::new(state),
        }
    }

    /// Tells a new state of the run, and what happened. There are a few dozen of these in a run, so
    /// their queue needs no bound.
    pub(crate) fn tell(&self, run: Run, kinds: Vec<EventKind>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.publish(&mut state, run, kinds);
    }

    fn publish(&self, state: &mut State, run: Run, kinds: Vec<EventKind>) {
        let at = Millis::now();
        let first = state.next_event;
        let numbered = kinds.into_iter().zip(first..).map(|(kind, seq)| RunEvent {
            seq,
            at,
            offset: run.log_bytes,
            kind,
        });
        let events: Vec<_> = numbered.collect();
        state.next_event += i64::try_from(events.len()).unwrap_or_default();
        self.live.publish(run.clone(), events.clone());
        self.watch.tell(Notice::Changed {
            run: &run,
            events: &events,
        });
        // The task that writes ends only after this sender is gone.
        let _ = self.changes.send(Change { run, events });
    }

    /// Says, once, that the database does not take what is written.
    pub(crate) fn database_is_away(&self, since: Instant, why: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.away.is_none() {
            state.away = Some(since);
            let words = format!("{why} Output is kept in memory, and stored when the database is back.");
            self.system(&mut state, words);
        }
    }

    /// Says that it does again, if it was said that it does not.
    pub(crate) fn database_is_back(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = state.away.take() {
            let took = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            let words = format!(
                "The database is back after {}. What was kept is stored.",
                duration_words(took)
            );
            self.system(&mut state, words);
        }
    }

    fn system(&self, state: &mut State, text: String) {
        let mut run = self.live.state().run.clone();
        (run.log_bytes, run.log_lines) = self.live.ledger.position();
        self.publish(state, run, vec![EventKind::System { text }]);
    }
}
