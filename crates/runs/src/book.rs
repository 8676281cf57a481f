//! All that the driver of a run writes of it goes through its book: written
//! again and again until the database has it, with the fence of its lease, and
//! told to other servers.

use crate::{
    Notice, Watch,
    replicas::{Bell, Lease},
    scribe::Scribe,
};
use model::{LogEnd, Run, RunEvent, RunId};
use std::{
    sync::{Arc, OnceLock, Weak},
    time::{Duration, Instant},
};
use store::{Attachment, Chunk, Store, StoreError};

/// The longest pause between two tries to write.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long writing may fail before anybody is told.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// How long the database may be silent before anybody is told.
const SILENCE: Duration = Duration::from_secs(3);

/// The writing of one run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Book {
    pub(crate) store: Store,
    pub(crate) lease: Lease,
    bell: Arc<Bell>,
    watch: Watch,
    /// Who tells the people when the database is away.
    scribe: Arc<OnceLock<Weak<Scribe>>>,
}

impl Book {
    pub(crate) fn new(store: Store, lease: Lease, bell: Arc<Bell>, watch: Watch) -> Self {
        Self {
            store,
            lease,
            bell,
            watch,
            scribe: Arc::default(),
        }
    }

    /// Notes who tells of the run.
    pub(crate) fn told_by(&self, scribe: &Arc<Scribe>) {
        // There is one for each run.
        let _ = self.scribe.set(Arc::downgrade(scribe));
    }

    fn scribe(&self) -> Option<Arc<Scribe>> {
        self.scribe.get().and_then(Weak::upgrade)
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.lease.hold.run
    }

    /// Writes the row, and the events that go with it.
    pub(crate) async fn save(&self, run: &Run, events: &[RunEvent]) {
        let hold = &self.lease.hold;
        self.written("its row", || self.store.save_run(hold, run, events))
            .await;
    }

    /// Writes where the program is found again. False when it was not written and never will be.
    pub(crate) async fn attach(&self, attachment: &Attachment) -> bool {
        let hold = &self.lease.hold;
        self.written("where its program is", || {
            self.store.save_attachment(hold, attachment)
        })
        .await
    }

    /// Writes a part of the log.
    pub(crate) async fn append(&self, chunks: &[Chunk]) {
        let hold = &self.lease.hold;
        let is_stored = self
            .written("its log", || self.store.append_chunks(hold, chunks))
            .await;
        if is_stored {
            let bytes = chunks.iter().map(|chunk| chunk.length).sum();
            self.watch.tell(Notice::Stored(bytes));
        }
    }

    /// Writes the end record of the log.
    pub(crate) async fn end_log(&self, end: &LogEnd) {
        let hold = &self.lease.hold;
        self.written("the end of its log", || self.store.save_log_end(hold, end))
            .await;
    }

    /// Tries until the database has it, or says that trying cannot help: then the lease may be lost.
    async fn written<F, A>(&self, what: &str, mut attempt: F) -> bool
    where
        F: FnMut() -> A,
        A: Future<Output = Result<(), StoreError>>,
    {
        let began = Instant::now();
        let written = until_done(self.run(), what, || self.watched(began, attempt())).await;
        match written {
            Ok(()) => {
                if let Some(scribe) = self.scribe() {
                    scribe.database_is_back();
                }
                self.bell.changed(self.run());
                // A reader of another server's run that is driven here since.
                self.bell.wake(self.run());
                true
            }
            Err(StoreError::Fenced(_)) => {
                self.lease.lost.cancel();
                false
            }
            Err(_) => false,
        }
    }
}

impl Book {
    /// One attempt; tells the people when it takes too long or has failed for too long.
    async fn watched(
        &self,
        began: Instant,
        attempt: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let mut attempt = std::pin::pin!(attempt);
        let written = match tokio::time::timeout(SILENCE, &mut attempt).await {
            Ok(written) => written,
            Err(_) => {
                self.tell(began, "The database does not answer.");
                attempt.await
            }
        };
        if let Err(error @ StoreError::Unavailable { .. }) = &written
            && began.elapsed() >= TOLD_AFTER
        {
            self.tell(began, &format!("The database cannot be written: {error}"));
        }
        written
    }

    fn tell(&self, began: Instant, words: &str) {
        if let Some(scribe) = self.scribe() {
            scribe.database_is_away(began, words);
        }
    }
}

/// Tries until the database does it, or says that trying cannot help.
///
/// # Errors
/// What cannot be helped.
pub(crate) async fn until_done<F, A, T>(run: &RunId, what: &str, mut attempt: F) -> Result<T, StoreError>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, StoreError>>,
{
    let mut pause = Duration::from_millis(50);
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error @ StoreError::Unavailable { .. }) => {
                tracing::warn!(%run, what, %error, "the database did not take it, trying again");
            }
            Err(error) => {
                // An earlier try may have been done without our hearing of it.
                tracing::warn!(%run, what, %error, "the database refuses it");
                return Err(error);
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
