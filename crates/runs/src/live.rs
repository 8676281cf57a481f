//! A run under way, as everybody but its driver sees it: its newest state, its
//! events, its ledger, and the queue its driver takes requests from.

use crate::{ledger::Ledger, replicas::Lease};
use model::{LogEnd, Run, RunEvent, RunId};
use std::{
    collections::HashMap,
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

/// The runs under way in this process.
#[derive(Default)]
pub(crate) struct Hub {
    runs: Mutex<HashMap<RunId, Arc<LiveRun>>>,
}

impl Hub {
    fn locked(&self) -> MutexGuard<'_, HashMap<RunId, Arc<LiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, live: Arc<LiveRun>) {
        self.locked().insert(live.id.clone(), live);
    }

    pub(crate) fn get(&self, id: &RunId) -> Option<Arc<LiveRun>> {
        self.locked().get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveRun>> {
        self.locked().values().cloned().collect()
    }

    pub(crate) fn remove(&self, id: &RunId) {
        self.locked().remove(id);
    }
}
