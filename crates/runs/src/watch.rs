//! What goes on, told to whoever counts it: an operator's figures and traces.
//! It is called where things happen, so it must be quick and wait for nothing.

use model::{Run, RunEvent, RunId};
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// Somebody asks for a run. Told on the task of who asks, before anything else is told of the run.
    Asked(&'a RunId),
    /// What was asked for was refused, or had been started before: nothing more is told of it here.
    NotStarted(&'a RunId),
    /// A run that is driven here changed, with what happened to it. Its end is told last, with all phases.
    Changed {
        /// As it is now.
        run: &'a Run,
        /// In their order.
        events: &'a [RunEvent],
    },
    /// So many bytes of a log were stored.
    Stored(u64),
}

/// Told of everything. Cheap to clone.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<Teller>>);

type Teller = dyn Fn(Notice<'_>) + Send + Sync;

impl Watch {
    /// Has this called.
    pub fn new(told: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    pub(crate) fn tell(&self, notice: Notice<'_>) {
        if let Some(told) = &self.0 {
            told(notice);
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({})", if self.0.is_some() { "told" } else { "nobody" })
    }
}
