//! Who runs next. At most so many runs are under way at once; the others wait
//! in the order they came. As an agent has one unfinished run at most, no agent
//! can push the others back, so the order of arrival is fair between agents.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places there are.
pub(crate) struct Queue {
    places: Arc<Semaphore>,
}

/// A place; free again when dropped.
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Queue {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))),
        }
    }

    /// Waits for a place. Dropping the wait gives the turn to the next.
    pub(crate) async fn turn(&self) -> Place {
        // The semaphore is never closed.
        Place {
            _permit: Arc::clone(&self.places).acquire_owned().await.ok(),
        }
    }

    /// A place for a run that an earlier process started: it runs already, so it does not wait, and
    /// counts when there is room.
    pub(crate) fn already_running(&self) -> Place {
        Place {
            _permit: Arc::clone(&self.places).try_acquire_owned().ok(),
        }
    }
}
