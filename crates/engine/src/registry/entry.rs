//! One sandbox of the registry.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use daytona::{DesiredState, SandboxState};

use super::{Activity, Live, Record, Samples, Token};
use crate::control::desired;
use crate::events::{Event, Events, Seen};
use crate::{clock, lock};

/// A sandbox, running or not.
#[derive(Debug)]
pub(crate) struct Entry {
    pub id: String,
    pub organization: String,
    pub activity: Arc<Activity>,
    /// What it used while it ran.
    pub samples: Samples,
    /// Held while its state changes: one change at a time.
    pub change: Arc<tokio::sync::Mutex<()>>,
    record: Mutex<Record>,
    live: Mutex<Option<Arc<Live>>>,
    preview_token: Mutex<Token>,
    folder: PathBuf,
    events: Arc<Events>,
}

impl Entry {
    pub(super) fn new(record: Record, folder: PathBuf, events: Arc<Events>) -> Self {
        Self {
            id: record.id.clone(),
            organization: record.organization.clone(),
            activity: Activity::new(record.last_activity_ms),
            samples: Samples::default(),
            change: Arc::default(),
            record: Mutex::new(record),
            live: Mutex::default(),
            preview_token: Mutex::new(Token::new()),
            folder,
            events,
        }
    }

    /// Its record as it is now.
    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs of it; none unless it is started.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What opens its previews, until it starts again.
    pub(crate) fn preview_token(&self) -> Token {
        self.preview_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_live(&self, live: Option<Arc<Live>>) -> Option<Arc<Live>> {
        if live.is_some() {
            *self.preview_token.lock().unwrap_or_else(PoisonError::into_inner) = Token::new();
        }
        std::mem::replace(
            &mut *self.live.lock().unwrap_or_else(PoisonError::into_inner),
            live,
        )
    }

    /// Changes the record, tells who listens when its state is another, and
    /// writes it when it must outlive this engine.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Record)) {
        let mut record = self.record();
        let before = (record.state, desired(&record));
        change(&mut record);
        record.updated_ms = clock::now_ms();
        record.last_activity_ms = self.activity.last_ms();
        self.tell(before, &record);
        if !record.keep_home {
            return;
        }
        let text = serde_json::to_vec_pretty(&*record).expect("a record of plain fields serializes");
        if let Err(error) = lock::replace(&self.file(), &text) {
            tracing::error!(%error, sandbox = self.id, "a sandbox's record could not be written");
        }
    }

    /// Moves it to another state.
    pub(crate) fn set_state(&self, state: SandboxState) {
        self.update(|record| {
            record.state = state;
            record.stopped_ms = (state == SandboxState::Stopped).then(clock::now_ms);
            if state != SandboxState::Error {
                record.error_reason = None;
            }
        });
    }

    /// Moves it to a state of failure, with the sentence that says why.
    pub(crate) fn fail(&self, state: SandboxState, why: &str) {
        self.update(|record| {
            record.state = state;
            record.error_reason = Some(why.to_owned());
        });
    }

    /// Tells that there is a new sandbox.
    pub(super) fn announce(&self) {
        if self.events.heard(&self.organization) {
            let seen = self.seen(&self.record());
            self.events
                .publish(&self.organization, Event::SandboxCreated(seen));
        }
    }

    /// Tells that its state is another. The record is held while this is done,
    /// so that changes are told in the order in which they happen.
    fn tell(&self, (before, going): (SandboxState, DesiredState), record: &Record) {
        if record.state == before || !self.events.heard(&self.organization) {
            return;
        }
        let seen = self.seen(record);
        if desired(record) != going {
            self.events.publish(
                &self.organization,
                Event::SandboxDesiredState(Arc::clone(&seen), going),
            );
        }
        self.events
            .publish(&self.organization, Event::SandboxState(seen, before));
    }

    fn seen(&self, record: &Record) -> Arc<Seen> {
        Arc::new(Seen {
            record: record.clone(),
            last_activity_ms: self.activity.last_ms(),
        })
    }

    fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.id))
    }

    pub(super) fn forget(&self) {
        match std::fs::remove_file(self.file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::error!(%error, sandbox = self.id, "a sandbox's record could not be removed");
            }
            _ => {}
        }
    }
}
