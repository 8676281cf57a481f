//! Stores a ledger's chunks, several per transaction, on a task of its own, so
//! that output is read while the database writes.

use super::{Ledger, ring::CHUNK_AGE};
use crate::book::Book;
use std::sync::Arc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// The most that is stored in one transaction, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// The task that stores one run's log.
pub(crate) struct Writer {
    finish: CancellationToken,
    /// Ends with this: a run that was lost to another server is not written any more.
    task: AbortOnDropHandle<()>,
}

impl Writer {
    /// Starts it.
    pub(crate) fn start(book: Book, ledger: Arc<Ledger>) -> Self {
        let finish = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(write(book, ledger, finish.clone())));
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

async fn write(book: Book, ledger: Arc<Ledger>, finish: CancellationToken) {
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
            // While it is not stored, the ring fills and the program's output waits in the sandbox.
            book.append(&batch).await;
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
