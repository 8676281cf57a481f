//! Writes a run's row and its events, in order, on a task of its own, so that
//! no call to the provider waits for the database where the order between the
//! two does not matter.

use model::{Run, RunId};
use std::time::Duration;
use store::{NewEvent, Store, StoreError};
use tokio::{sync::mpsc, task::JoinHandle};

/// The longest pause between two tries to write.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

struct Change {
    run: Run,
    events: Vec<NewEvent>,
}

/// The writing side of one run's row and events.
pub(crate) struct Journal {
    changes: mpsc::UnboundedSender<Change>,
    task: JoinHandle<()>,
}

impl Journal {
    /// Starts the task.
    pub(crate) fn start(run: RunId, store: Store) -> Self {
        let (changes, received) = mpsc::unbounded_channel();
        let task = tokio::spawn(write(run, store, received));
        Self { changes, task }
    }

    /// Queues a new state of the run with the events that go with it. There
    /// are a few dozen of these in a run, so the queue needs no bound.
    pub(crate) fn change(&self, run: Run, events: Vec<NewEvent>) {
        // The task ends only after this sender is gone.
        let _ = self.changes.send(Change { run, events });
    }

    /// Writes what is queued, and ends.
    pub(crate) async fn finish(self) {
        drop(self.changes);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that writes a run's events ended badly");
        }
    }
}

async fn write(id: RunId, store: Store, mut received: mpsc::UnboundedReceiver<Change>) {
    while let Some(first) = received.recv().await {
        // Take what came meanwhile too: the newest row stands for the older ones.
        let Change { mut run, mut events } = first;
        while let Ok(next) = received.try_recv() {
            run = next.run;
            events.extend(next.events);
        }
        until_done(&id, "its row", || store.save_run(&run)).await;
        if !events.is_empty() {
            until_done(&id, "its events", || async {
                store.append_events(&id, &events).await.map(drop)
            })
            .await;
        }
    }
}

/// Tries until the database takes it, or says that trying cannot help.
pub(crate) async fn until_done<F, A, T>(id: &RunId, what: &str, mut attempt: F) -> Option<T>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, StoreError>>,
{
    let mut pause = Duration::from_millis(50);
    loop {
        match attempt().await {
            Ok(value) => return Some(value),
            Err(error @ StoreError::Unavailable { .. }) => {
                tracing::warn!(run = %id, what, %error, "the database did not take it, trying again");
            }
            Err(error) => {
                tracing::error!(run = %id, what, %error, "the database refuses it");
                return None;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
