//! A reader of one run: it pulls at its own pace, from its own cursor, so that
//! a slow one is slow alone and holds nothing back but its own place.
//!
//! What it gives is bounded by [`BATCH_BYTES`] of output at a time. A reader
//! that has caught up is woken at once by the first output after a pause, or
//! when the line it belongs to is whole, and then every [`PACE`] at most,
//! however often the program writes.

mod away;

use crate::{
    book::until_done,
    driver::Context,
    live::LiveRun,
    reading::{LogReader, Piece},
    settling::Settling,
};
use model::{Cursor, LogEnd, Run, RunEvent, RunId, StreamMessage};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// The most output in one batch, in bytes: about what is held for a reader that does not take it.
const BATCH_BYTES: u64 = 64 * 1024;
/// The shortest time between two batches of output for a reader that has caught up.
const PACE: Duration = Duration::from_millis(40);
/// The most events in one batch of an ended run.
const EVENT_PAGE: u32 = 500;

/// Reads one run from a cursor to its end, wherever it is driven.
pub struct Follower {
    context: Arc<Context>,
    cursor: Cursor,
    log: LogReader,
    source: Source,
    done: bool,
}

enum Source {
    Live {
        live: Arc<LiveRun>,
        more: watch::Receiver<()>,
        version: u64,
        paced_until: Option<Instant>,
        settling: Settling,
    },
    /// Driven by another server: what it has stored is read.
    Away {
        news: watch::Receiver<()>,
        /// As readers know the run.
        told: Option<Box<Run>>,
    },
    Stored {
        run: Box<Run>,
        end: LogEnd,
        told: bool,
    },
}

/// What changed besides the log.
struct Changes {
    run: Option<Box<Run>>,
    version: u64,
    events: Vec<RunEvent>,
    end: Option<LogEnd>,
}

impl Follower {
    /// A reader of a run that is driven by another server, until it is told where it is.
    pub(crate) fn new(context: Arc<Context>, run: &RunId, cursor: Cursor) -> Self {
        Self {
            cursor,
            log: LogReader {
                run: run.clone(),
                store: context.store.clone(),
                live: None,
            },
            source: Source::Away {
                news: context.bell.waiting_for(run),
                told: None,
            },
            context,
            done: false,
        }
    }

    /// The run is driven here.
    pub(crate) fn is_here(&mut self, live: Arc<LiveRun>) {
        self.log.live = Some(Arc::clone(&live));
        self.source = Source::Live {
            more: live.ledger.more().subscribe(),
            live,
            version: 0,
            paced_until: None,
            settling: Settling::default(),
        };
    }

    /// The run has ended, and all of it is stored.
    pub(crate) fn is_over(&mut self, run: Run, end: Option<LogEnd>) {
        self.log.live = None;
        // A run that another process of ours ended badly may have none.
        let end = end.unwrap_or_else(|| LogEnd {
            bytes: run.log_bytes,
            lines: run.log_lines,
            sha256: String::new(),
            exact: false,
        });
        self.source = Source::Stored {
            run: Box::new(run),
            end,
            told: false,
        };
    }

    /// Whose run it reads.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.log.run
    }

    /// How far it is: everything before was returned by [`Follower::next`].
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Waits for what comes next: first the run, then events and output as
    /// they come, then the end; after that, nothing. Without an end it ends
    /// only when this process shuts down. Cancel-safe: what was not returned
    /// comes with the next call.
    pub async fn next(&mut self) -> Option<Vec<StreamMessage>> {
        if self.done {
            return None;
        }
        loop {
            match self.source {
                Source::Live { .. } => {
                    let messages = self.next_live().await;
                    let ends = self.context.shutdown.is_cancelled() || !self.context.store.is_shared();
                    if messages.is_some() || self.done || ends {
                        return messages;
                    }
                    self.is_away();
                }
                Source::Away { .. } => {
                    if let Some(told) = self.next_away().await {
                        return told;
                    }
                }
                Source::Stored { .. } => return self.next_stored().await,
            }
        }
    }

    async fn next_live(&mut self) -> Option<Vec<StreamMessage>> {
        let Source::Live {
            live,
            more,
            version,
            paced_until,
            settling,
        } = &mut self.source
        else {
            return None;
        };
        loop {
            more.borrow_and_update();
            // The end is looked at before the log: what it counts is then all there to read.
            let changes = changes(live, *version, self.cursor.seq);
            let now = Instant::now();
            let paced = paced_until.filter(|until| *until > now && changes.end.is_none());
            let part = changes.end.is_none() && live.ledger.ends_within_a_line(self.cursor.offset);
            let settling = if paced.is_none() {
                settling.wait(part, now)
            } else {
                None
            };
            let pause = paced.or(settling);
            let piece = match pause {
                Some(_) => None,
                None => until_done(&self.log.run, "reading its log", || {
                    self.log.read(self.cursor.offset, BATCH_BYTES)
                })
                .await
                .ok()
                .flatten(),
            };
            let (position, _) = live.ledger.position();
            if let Some(piece) = &piece {
                // Behind by a batch or more: no pause before the next one.
                let behind = position.saturating_sub(piece.next) >= BATCH_BYTES / 8;
                *paced_until = (!behind).then(|| now + PACE);
            }
            *version = changes.version;
            let messages = batch(&self.log.run, &mut self.cursor, &mut self.done, changes, piece);
            if !messages.is_empty() {
                return Some(messages);
            }
            let waiting = self.cursor.offset < position;
            tokio::select! {
                changed = more.changed(), if paced.is_none() || !waiting => if changed.is_err() { return None },
                () = tokio::time::sleep_until(pause.unwrap_or(now)), if pause.is_some() => {}
                () = live.closed.cancelled() => return None,
            }
        }
    }

    async fn next_stored(&mut self) -> Option<Vec<StreamMessage>> {
        let Source::Stored { run, end, told } = &mut self.source else {
            return None;
        };
        let id = &self.log.run;
        let store = &self.log.store;
        let seq = self.cursor.seq;
        let events = until_done(id, "reading its events", || {
            store.events_after(id, seq, EVENT_PAGE)
        })
        .await
        .ok()?;
        let more_events = events.len() >= EVENT_PAGE as usize;
        let piece = if more_events || self.cursor.offset >= end.bytes {
            None
        } else {
            let offset = self.cursor.offset;
            let piece = until_done(id, "reading its log", || self.log.read(offset, BATCH_BYTES))
                .await
                .ok()?;
            // Nothing is there although the end says more: it was lost, and is shown as what it is.
            Some(piece.unwrap_or_else(|| Piece {
                frames: vec![model::LogFrame {
                    offset,
                    at: run.created_at,
                    stream: None,
                    body: model::log::LogBody::Gap(end.bytes - offset),
                }],
                next: end.bytes,
            }))
        };
        let changes = Changes {
            run: (!*told).then(|| run.clone()),
            version: 0,
            events,
            end: (!more_events).then(|| end.clone()),
        };
        *told = true;
        Some(batch(id, &mut self.cursor, &mut self.done, changes, piece))
    }
}

fn changes(live: &LiveRun, version: u64, seq: i64) -> Changes {
    let state = live.state();
    let first = state.events.partition_point(|event| event.seq <= seq);
    Changes {
        run: (state.version != version).then(|| Box::new(state.run.clone())),
        version: state.version,
        events: state.events[first..].to_vec(),
        end: state.end.clone(),
    }
}

/// Puts a batch together and moves the cursor past it. No await here, so that
/// a cancelled call has either given everything or moved nothing.
fn batch(
    run: &RunId,
    cursor: &mut Cursor,
    done: &mut bool,
    changes: Changes,
    piece: Option<Piece>,
) -> Vec<StreamMessage> {
    let mut messages = Vec::new();
    if let Some(run) = changes.run {
        messages.push(StreamMessage::Run { run });
    }
    if let Some(last) = changes.events.last() {
        cursor.seq = last.seq;
        messages.push(StreamMessage::Events {
            run: run.clone(),
            events: changes.events,
        });
    }
    if let Some(piece) = piece {
        cursor.offset = piece.next;
        messages.push(StreamMessage::Log {
            run: run.clone(),
            frames: piece.frames,
        });
    }
    if let Some(log) = changes.end.filter(|end| cursor.offset >= end.bytes) {
        *done = true;
        messages.push(StreamMessage::End {
            run: run.clone(),
            log,
        });
    }
    messages
}
