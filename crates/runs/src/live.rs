//! A run under way, as everybody but its driver sees it: its newest state, its
//! events, its ledger, and the queue its driver takes requests from.

use crate::{ledger::Ledger, replicas::Lease};
use model::{LogEnd, Run, RunEvent, RunId, RunState};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Something a driver is asked for.
pub(crate) enum Request {
    /// End the program.
    Stop {
        /// When it was asked for: the proof of the stop counts from here.
        at: Instant,
    },
    /// Write to the program's standard input.
    Input {
        /// What to write.
        bytes: Vec<u8>,
        /// Whether to close it after.
        eof: bool,
        /// Told what became of it.
        reply: oneshot::Sender<Result<(), String>>,
    },
}

/// What of a run changes, with a counter that tells readers that it did.
pub(crate) struct LiveState {
    pub(crate) run: Run,
    pub(crate) version: u64,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) end: Option<LogEnd>,
    /// None when the hub does not have it.
    counted: Option<Counted>,
}

/// A run under way.
pub(crate) struct LiveRun {
    pub(crate) id: RunId,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) requests: mpsc::UnboundedSender<Request>,
    /// Cancelled when this process gives the run up: readers then end without an end, or go on with
    /// what the store has.
    pub(crate) closed: CancellationToken,
    pub(crate) lease: Lease,
    state: Mutex<LiveState>,
}

impl LiveRun {
    pub(crate) fn new(
        run: Run,
        events: Vec<RunEvent>,
        ledger: Arc<Ledger>,
        requests: mpsc::UnboundedSender<Request>,
        closed: CancellationToken,
        lease: Lease,
    ) -> Self {
        Self {
            id: run.id.clone(),
            ledger,
            requests,
            closed,
            lease,
            state: Mutex::new(LiveState {
                run,
                version: 1,
                events,
                end: None,
                counted: None,
            }),
        }
    }

    /// The state, locked: never across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a new state of the run, and events, known to readers.
    pub(crate) fn publish(&self, run: Run, events: impl IntoIterator<Item = RunEvent>) {
        {
            let mut state = self.state();
            if let Some(counted) = &mut state.counted {
                counted.moved(run.state);
            }
            state.run = run;
            state.version += 1;
            state.events.extend(events);
        }
        self.ledger.more().send_replace(());
    }

    /// Tells readers that nothing more will come.
    pub(crate) fn publish_end(&self, end: LogEnd) {
        self.state().end = Some(end);
        self.ledger.more().send_replace(());
    }
}

/// How many runs are in which state, counted as they change: a look at the
/// figures must not wait for every run of a long queue.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's place in the tally.
struct Counted {
    tally: Arc<Tally>,
    state: RunState,
}

impl Counted {
    fn new(tally: Arc<Tally>, state: RunState) -> Self {
        *tally.locked().entry(state.as_str()).or_default() += 1;
        Self { tally, state }
    }

    fn moved(&mut self, state: RunState) {
        if state != self.state {
            *self = Self::new(Arc::clone(&self.tally), state);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(count) = self.tally.locked().get_mut(self.state.as_str()) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The runs under way in this process.
#[derive(Default)]
pub(crate) struct Hub {
    runs: Mutex<HashMap<RunId, Arc<LiveRun>>>,
    tally: Arc<Tally>,
}

impl Hub {
    fn locked(&self) -> MutexGuard<'_, HashMap<RunId, Arc<LiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, live: Arc<LiveRun>) {
        {
            let mut state = live.state();
            state.counted = Some(Counted::new(Arc::clone(&self.tally), state.run.state));
        }
        self.locked().insert(live.id.clone(), live);
    }

    pub(crate) fn get(&self, id: &RunId) -> Option<Arc<LiveRun>> {
        self.locked().get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveRun>> {
        self.locked().values().cloned().collect()
    }

    /// How many there are, by the words of their states.
    pub(crate) fn by_state(&self) -> BTreeMap<&'static str, u64> {
        self.tally.locked().clone()
    }

    pub(crate) fn remove(&self, id: &RunId) {
        let removed = self.locked().remove(id);
        // A reader may hold it for longer.
        if let Some(live) = removed {
            live.state().counted = None;
        }
    }
}
