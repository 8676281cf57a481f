//! The driver's own copy of its run: every change goes through here, is told
//! to readers at once and queued for the database.

use crate::{Watch, journal::Journal, live::LiveRun, masking::Masks, scribe::Scribe};
use model::{EventKind, Millis, Phase, PhaseRecord, Run, RunState, StopProof};
use std::{sync::Arc, time::Instant};

/// A run while it is driven.
pub(crate) struct Record {
    run: Run,
    live: Arc<LiveRun>,
    journal: Journal,
    scribe: Arc<Scribe>,
    phase_since: Option<Instant>,
    /// What no word may show, whoever said it.
    masks: Arc<Masks>,
}

impl Record {
    /// Takes up a run; `events` is how many it has.
    pub(crate) fn new(
        run: Run,
        live: Arc<LiveRun>,
        journal: Journal,
        events: i64,
        masks: Arc<Masks>,
        watch: Watch,
    ) -> Self {
        Self {
            run,
            scribe: Arc::new(Scribe::new(Arc::clone(&live), journal.changes(), events, watch)),
            live,
            journal,
            phase_since: None,
            masks,
        }
    }

    /// Looks for others from here on.
    pub(crate) fn mask(&mut self, masks: Arc<Masks>) {
        self.masks = masks;
    }

    /// Words as they may be kept and shown.
    pub(crate) fn masked(&self, words: String) -> String {
        self.masks.mask(&words).into_owned()
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Who tells of it.
    pub(crate) fn scribe(&self) -> &Arc<Scribe> {
        &self.scribe
    }

    pub(crate) fn live(&self) -> &Arc<LiveRun> {
        &self.live
    }

    /// Queues changes of the row that are no events of their own.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Run)) {
        change(&mut self.run);
        self.publish(Vec::new());
    }

    /// Goes to another state. A step that the domain does not know is refused and logged: it would be
    /// a mistake of ours, and what is written must stay true.
    pub(crate) fn state(&mut self, state: RunState, reason: Option<String>) {
        if self.run.state == state {
            return;
        }
        if !self.run.state.may_become(state) {
            tracing::error!(run = %self.run.id, from = %self.run.state, to = %state, "no such step");
            return;
        }
        let now = Millis::now();
        let reason = reason.map(|words| self.masked(words));
        self.run.state = state;
        self.run.reason.clone_from(&reason);
        match state {
            RunState::Running => self.run.started_at = Some(now),
            state if state.is_end() => self.run.ended_at = Some(now),
            _ => {}
        }
        self.publish(vec![EventKind::State { state, reason }]);
    }

    /// Says what a run waits for, or why it will end as it does, without a step.
    pub(crate) fn reason(&mut self, reason: Option<String>) {
        let reason = reason.map(|words| self.masked(words));
        if self.run.reason != reason {
            self.run.reason = reason;
            self.publish(Vec::new());
        }
    }

    /// Tells readers what it waits for. Not written down: it changes often, and ends with this process.
    pub(crate) fn waits(&mut self, why: String) {
        if self.run.reason.as_ref() != Some(&why) {
            self.run.reason = Some(why);
            self.live.publish(self.run.clone(), Vec::new());
        }
    }

    /// Begins a phase, ending the one before if it lasts. One that an earlier process began goes on.
    pub(crate) fn begin(&mut self, phase: Phase) {
        let last = self.run.phases.last();
        if last.is_some_and(|record| record.phase == phase && record.took.is_none()) {
            return;
        }
        let mut events = self.ended(None, false);
        self.run.phases.push(PhaseRecord {
            phase,
            started_at: Millis::now(),
            took: None,
            detail: None,
            failed: false,
        });
        self.phase_since = Some(Instant::now());
        events.push(EventKind::PhaseStarted { phase });
        self.publish(events);
    }

    /// Ends the phase that lasts.
    pub(crate) fn end_phase(&mut self, detail: Option<String>, failed: bool) {
        let events = self.ended(detail, failed);
        if !events.is_empty() {
            self.publish(events);
        }
    }

    fn ended(&mut self, detail: Option<String>, failed: bool) -> Vec<EventKind> {
        let detail = detail.map(|words| self.masked(words));
        let Some(record) = self.run.phases.last_mut().filter(|record| record.took.is_none()) else {
            return Vec::new();
        };
        // After a restart the clock that never jumps has not seen the phase's start.
        let took = self.phase_since.map_or_else(
            || Millis::now().since(record.started_at),
            |since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        record.took = Some(took);
        record.detail.clone_from(&detail);
        record.failed = failed;
        self.phase_since = None;
        vec![EventKind::PhaseEnded {
            phase: record.phase,
            took,
            detail,
            failed,
        }]
    }

    /// Our own words, as a row beside the program's output.
    pub(crate) fn system(&mut self, text: impl Into<String>) {
        let text = self.masked(text.into());
        self.publish(vec![EventKind::System { text }]);
    }

    /// The proof that a stopped program is dead.
    pub(crate) fn stopped(&mut self, proof: StopProof) {
        self.change(|run| run.stop = Some(proof));
    }

    fn publish(&mut self, kinds: Vec<EventKind>) {
        let (offset, lines) = self.live.ledger.position();
        self.run.log_bytes = offset;
        self.run.log_lines = lines;
        self.scribe.tell(self.run.clone(), kinds);
    }

    /// Writes what is left, and lets go.
    pub(crate) async fn finish(self) {
        drop(self.scribe);
        self.journal.finish().await;
    }
}
