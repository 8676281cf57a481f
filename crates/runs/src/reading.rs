//! Reads a log from an offset on, from memory or from the store, whichever has
//! it, so that no reader has to know where a byte lives.

use crate::{ledger::View, live::LiveRun};
use model::{
    LogFrame, RunId,
    log::{self, LogBody},
};
use std::sync::Arc;
use store::{Chunk, Store, StoreError};

/// A piece of a log: its frames, and the offset that follows them.
pub(crate) struct Piece {
    pub(crate) frames: Vec<LogFrame>,
    pub(crate) next: u64,
}

/// The log of one run.
pub(crate) struct LogReader {
    pub(crate) run: RunId,
    pub(crate) store: Store,
    /// The run, while it is under way here; the log of any other is all in the store.
    pub(crate) live: Option<Arc<LiveRun>>,
}

impl LogReader {
    /// The frames from `offset` on, about `budget` bytes of them; none when there is nothing there, or not yet.
    pub(crate) async fn read(&self, offset: u64, budget: u64) -> Result<Option<Piece>, StoreError> {
        let Some(live) = &self.live else {
            return self.stored(offset, u64::MAX, budget).await;
        };
        match live.ledger.read(offset, budget) {
            View::Nothing => Ok(None),
            View::Chunks(chunks) => Ok(piece(
                chunks.iter().map(|chunk| &**chunk),
                offset,
                offset.saturating_add(budget),
            )),
            View::Gap { at, until } => Ok(Some(Piece {
                frames: vec![gap(offset, until, at)],
                next: until,
            })),
            View::Stored { until } => match self.stored(offset, until, budget).await? {
                Some(piece) => Ok(Some(piece)),
                // Memory has let go of it, so it was stored: something took it away.
                None => Ok(Some(Piece {
                    frames: vec![gap(offset, until, model::Millis::default())],
                    next: until,
                })),
            },
        }
    }

    async fn stored(&self, offset: u64, until: u64, budget: u64) -> Result<Option<Piece>, StoreError> {
        let chunks = self.store.chunks_from(&self.run, offset, budget).await?;
        let to = until.min(offset.saturating_add(budget));
        Ok(piece(&chunks, offset, to))
    }
}

fn gap(from: u64, to: u64, at: model::Millis) -> LogFrame {
    LogFrame {
        offset: from,
        at,
        stream: None,
        body: LogBody::Gap(to - from),
    }
}

/// Frames of chunks that follow each other. A gap is never cut by the budget: a reader is to see it once.
fn piece<'a>(chunks: impl IntoIterator<Item = &'a Chunk>, from: u64, to: u64) -> Option<Piece> {
    let mut frames = Vec::new();
    let mut next = from;
    for chunk in chunks {
        let end = chunk.first_offset + chunk.length;
        if end <= next || next >= to {
            continue;
        }
        if chunk.first_offset > next {
            frames.push(gap(next, chunk.first_offset, chunk.at));
            next = chunk.first_offset;
        }
        // A chunk of more than its bytes holds a gap.
        let whole = chunk.length > u64::try_from(chunk.frames.len()).unwrap_or(u64::MAX);
        let until = if whole { end } else { end.min(to.max(next + 1)) };
        match log::frames(chunk.first_offset, &chunk.frames, next, until) {
            Ok(more) => frames.extend(more),
            Err(error) => {
                tracing::error!(%error, offset = next, "a piece of a log is shown as a gap");
                frames.push(gap(next, until, chunk.at));
            }
        }
        next = until;
    }
    (next > from).then_some(Piece { frames, next })
}
