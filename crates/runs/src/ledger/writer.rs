//! Stores a ledger's chunks, several per transaction, on a task of its own, so
//! that output is read while the database writes.

use super::{Ledger, ring::CHUNK_AGE};
use model::RunId;
use std::{sync::Arc, time::Duration};
use store::{Chunk, Store, StoreError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The most that is stored in one transaction, in bytes.
const BATCH_BYTES: usize = 1 << 20;
/// The longest pause between two tries to store.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The task that stores one run's log.
pub(crate) struct Writer {
    finish: CancellationToken,
    task: JoinHandle<()>,
}

impl Writer {
    /// Starts it.
    pub(crate) fn start(run: RunId, ledger: Arc<Ledger>, store: Store) -> Self {
        let finish = CancellationToken::new();
        let task = tokio::spawn(write(run, ledger, store, finish.clone()));
        Self { finish, task }
    }

    /// Waits until all that was appended is stored, and ends. The tail of a log over its limit is not.
    pub(crate) async fn finish(self) {
        self.finish.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that stores a log ended badly");
        }
    }
}

async fn write(run: RunId, ledger: Arc<Ledger>, store: Store, finish: CancellationToken) {
    loop {
        // Wait for something, then a moment for more of it, unless a whole chunk is there already.
        tokio::select! {
            () = ledger.work.notified() => {}
            () = finish.cancelled() => {}
        }
        tokio::select! {
            () = tokio::time::sleep(CHUNK_AGE) => {}
            () = ledger.full.notified() => {}
            () = finish.cancelled() => {}
        }
        let ending = finish.is_cancelled();
        let all = ending || ledger.is_urgent();
        let mut idle = true;
        loop {
            let batch = ledger.batch(all, BATCH_BYTES);
            let Some(last) = batch.last() else { break };
            let end = last.first_offset + last.length;
            store_chunks(&store, &run, &batch).await;
            ledger.stored(end);
            idle = false;
        }
        if ending {
            return;
        }
        if idle {
            // What waits is younger than it has to be: look again.
            ledger.look_again();
        }
    }
}

/// Stores chunks, again and again until it is done: while it is not, the ring
/// fills and the program's output waits in the sandbox.
pub(crate) async fn store_chunks(store: &Store, run: &RunId, chunks: &[Chunk]) {
    let mut pause = Duration::from_millis(50);
    while let Err(error) = store.append_chunks(run, chunks).await {
        if let StoreError::Conflict(sentence) | StoreError::NotFound(sentence) = &error {
            // Trying again cannot help. An earlier try may have been committed without our hearing of it.
            tracing::warn!(%run, sentence, "the store has this part of the log already, or refuses it for good");
            return;
        }
        tracing::warn!(%run, %error, "the log could not be stored, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
