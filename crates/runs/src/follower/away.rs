//! Reading a run that another server drives: what it has stored, as soon as it
//! rings for it.

use super::{BATCH_BYTES, Changes, EVENT_PAGE, Follower, Source, batch};
use crate::book::until_done;
use model::StreamMessage;
use std::time::Duration;

/// How often is looked for what was not rung for.
const LOOK: Duration = Duration::from_secs(1);

impl Follower {
    /// The server that drove it here has lost it, or another has it now.
    pub(super) fn is_away(&mut self) {
        self.log.live = None;
        self.source = Source::Away {
            news: self.context.bell.waiting_for(&self.log.run),
            told: None,
        };
    }

    /// What comes next; none when the run is here now, or over, and is to be read as that.
    pub(super) async fn next_away(&mut self) -> Option<Option<Vec<StreamMessage>>> {
        loop {
            let Source::Away { news, told } = &mut self.source else {
                return None;
            };
            news.mark_unchanged();
            let (id, store) = (&self.log.run, &self.context.store);
            if let Some(live) = self.context.hub.get(id) {
                self.is_here(live);
                return None;
            }
            // The row first: when it has ended, all else is there to read.
            let Ok(run) = until_done(id, "reading its row", || store.run(id)).await else {
                // Deleted, with its agent.
                return Some(None);
            };
            if run.state.is_end() {
                let end = until_done(id, "reading the end of its log", || store.log_end(id)).await;
                self.is_over(run, end.ok().flatten());
                return None;
            }
            let (seq, offset) = (self.cursor.seq, self.cursor.offset);
            let events = until_done(id, "reading its events", || {
                store.events_after(id, seq, EVENT_PAGE)
            })
            .await
            .unwrap_or_default();
            let piece = until_done(id, "reading its log", || self.log.read(offset, BATCH_BYTES)).await;
            let changes = Changes {
                run: (told.as_deref() != Some(&run)).then(|| Box::new(run.clone())),
                version: 0,
                events,
                end: None,
            };
            *told = Some(Box::new(run));
            let piece = piece.ok().flatten();
            let messages = batch(id, &mut self.cursor, &mut self.done, changes, piece);
            if !messages.is_empty() {
                return Some(Some(messages));
            }
            tokio::select! {
                // A bell that closes is this server's end, which comes anyway.
                _ = tokio::time::timeout(LOOK, news.changed()) => {}
                () = self.context.shutdown.cancelled() => return Some(None),
            }
        }
    }
}
