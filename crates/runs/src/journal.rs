//! Writes a run's row and its events, in order, on a task of its own, so that
//! no call to the provider waits for the database where the order between the
//! two does not matter.

use crate::book::Book;
use model::{Run, RunEvent};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// A new state of a run, and what happened.
pub(crate) struct Change {
    pub(crate) run: Run,
    pub(crate) events: Vec<RunEvent>,
}

/// The writing side of one run's row and events.
pub(crate) struct Journal {
    changes: mpsc::UnboundedSender<Change>,
    /// Ends with this: a run that was lost to another server is not written any more.
    task: AbortOnDropHandle<()>,
}

impl Journal {
    /// Starts the task.
    pub(crate) fn start(book: Book) -> Self {
        let (changes, received) = mpsc::unbounded_channel();
        let task = AbortOnDropHandle::new(tokio::spawn(write(book, received)));
        Self { changes, task }
    }

    /// Where changes are queued. [`Journal::finish`] waits until all of these are gone.
    pub(crate) fn changes(&self) -> mpsc::UnboundedSender<Change> {
        self.changes.clone()
    }

    /// Writes what is queued, and ends.
    pub(crate) async fn finish(self) {
        drop(self.changes);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that writes a run's events ended badly");
        }
    }
}

async fn write(book: Book, mut received: mpsc::UnboundedReceiver<Change>) {
    while let Some(first) = received.recv().await {
        // Take what came meanwhile too: the newest row stands for the older ones.
        let Change { mut run, mut events } = first;
        while let Ok(next) = received.try_recv() {
            run = next.run;
            events.extend(next.events);
        }
        book.save(&run, &events).await;
    }
}
