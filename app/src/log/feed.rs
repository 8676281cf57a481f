//! Where a run's messages become lines: the store of the log shown, shared by
//! the page that follows a run and the panel that draws it.

use super::store::LogStore;
use crate::browser::events;
use leptos::prelude::*;
use model::{Cursor, EventKind, LogFrame, Millis, RunEvent, StreamMessage, log::LogBody};

/// The log of one run at a time. `Copy`, made once per page.
///
/// The lines are kept outside of signals: only their number, and that
/// something changed, is told.
#[derive(Clone, Copy)]
pub struct LogFeed {
    log: StoredValue<Log>,
    version: RwSignal<u64>,
    rows: RwSignal<u64>,
}

#[derive(Default)]
struct Log {
    store: LogStore,
    last_event: i64,
    /// Counts the logs shown.
    number: u64,
}

impl Default for LogFeed {
    fn default() -> Self {
        Self::new()
    }
}

impl LogFeed {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self {
            log: StoredValue::new(Log::default()),
            version: RwSignal::new(0),
            rows: RwSignal::new(0),
        }
    }

    /// Forgets everything: another run is shown from now on.
    pub fn clear(self) {
        let _ = self.log.try_update_value(|log| {
            *log = Log {
                number: log.number + 1,
                ..Log::default()
            };
        });
        self.changed();
    }

    /// Takes what came for this run, in order; messages seen before are dropped.
    pub fn apply(self, messages: &[StreamMessage]) {
        let _ = self
            .log
            .try_update_value(|log| messages.iter().for_each(|message| log.take(message)));
        self.changed();
    }

    /// How far the log is: where a stream is to go on.
    #[must_use]
    pub fn cursor(self) -> Cursor {
        self.log
            .try_with_value(|log| Cursor {
                offset: log.store.offset(),
                seq: log.last_event,
            })
            .unwrap_or_default()
    }

    /// How many rows there are; changes at most once per animation frame.
    #[must_use]
    pub fn rows(self) -> Signal<u64> {
        self.rows.into()
    }

    /// Changes whenever the log does.
    #[must_use]
    pub fn version(self) -> Signal<u64> {
        self.version.into()
    }

    /// Reads the lines, and which log they are of. None when the page is gone.
    pub fn read<T>(self, read: impl FnOnce(&LogStore, u64) -> T) -> Option<T> {
        self.log.try_with_value(|log| read(&log.store, log.number))
    }

    fn changed(self) {
        let rows = self.read(|store, _| u64::try_from(store.end()).unwrap_or_default());
        let _ = self.rows.try_maybe_update(|now| {
            let rows = rows.unwrap_or_default();
            (std::mem::replace(now, rows) != rows, ())
        });
        let _ = self.version.try_update(|version| *version += 1);
    }
}

impl Log {
    fn take(&mut self, message: &StreamMessage) {
        match message {
            StreamMessage::Log { frames, .. } => frames.iter().for_each(|frame| self.take_frame(frame)),
            StreamMessage::Events { events, .. } => events.iter().for_each(|event| self.take_event(event)),
            StreamMessage::End { log, .. } => {
                let at = self
                    .store
                    .row(self.store.end() - 1)
                    .map_or(Millis(0), |row| row.at);
                self.store.push_end(at, log);
            }
            StreamMessage::Run { .. } | StreamMessage::Bye { .. } => {}
        }
    }

    fn take_frame(&mut self, frame: &LogFrame) {
        match (&frame.body, frame.stream) {
            (LogBody::Gap(bytes), _) => self.store.push_gap(frame.offset, frame.at, *bytes),
            (LogBody::Text(text), Some(stream)) => {
                self.store.push(frame.offset, frame.at, stream, text.as_bytes());
            }
            (body @ LogBody::Base64(_), Some(stream)) => {
                self.store
                    .push(frame.offset, frame.at, stream, &events::bytes(body));
            }
            // Only gaps have no stream.
            (LogBody::Text(_) | LogBody::Base64(_), None) => {}
        }
    }

    fn take_event(&mut self, event: &RunEvent) {
        if event.seq <= self.last_event {
            return;
        }
        self.last_event = event.seq;
        if let EventKind::System { text } = &event.kind {
            self.store.push_system(event.offset, event.at, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{LogStream, RunId};

    #[test]
    fn messages_become_rows_once() {
        let owner = Owner::new();
        owner.set();
        let run = RunId::parse("0199f3b2-6c1e-7d4a-8f00-0123456789ab").expect("an id");
        let frame = |offset, stream, body| LogFrame {
            offset,
            at: Millis(5),
            stream,
            body,
        };
        let messages = [
            StreamMessage::Events {
                run: run.clone(),
                events: vec![RunEvent {
                    seq: 1,
                    at: Millis(1),
                    offset: 0,
                    kind: EventKind::System { text: "ready".into() },
                }],
            },
            StreamMessage::Log {
                run,
                frames: vec![
                    frame(0, Some(LogStream::Stdout), LogBody::Text("hi\n".into())),
                    frame(3, Some(LogStream::Stderr), LogBody::Base64("/wo=".into())),
                    frame(5, None, LogBody::Gap(1000)),
                ],
            },
        ];
        let feed = LogFeed::new();
        feed.apply(&messages);
        feed.apply(&messages);
        let rows = feed.read(|store, _| {
            store
                .rows_from(store.first())
                .map(|(_, row)| String::from_utf8_lossy(row.text).into_owned())
                .collect::<Vec<_>>()
        });
        assert_eq!(
            rows.expect("rows"),
            ["ready", "hi", "\u{fffd}", "1.0 KB of output were not kept"]
        );
        assert_eq!(feed.cursor(), Cursor { offset: 1005, seq: 1 });
        assert_eq!(feed.rows().get_untracked(), 4);
        feed.clear();
        assert_eq!(
            (feed.cursor(), feed.read(|_, number| number)),
            (Cursor::default(), Some(1))
        );
    }
}
