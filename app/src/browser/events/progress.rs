//! How far a follower of a run is, and what of a message is new to it: after a
//! reconnection the server may send again what was already there.

use base64::{Engine, engine::general_purpose::STANDARD};
use model::{Cursor, LogFrame, StreamMessage, log::LogBody};

/// A follower's place in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    cursor: Cursor,
    ended: bool,
    /// Where something was missing the last time.
    missed: Option<Cursor>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// All or a part of it is new.
    New(StreamMessage),
    /// The follower has it already.
    Old,
    /// Something before it is missing: the stream has to be asked again from
    /// [`Progress::cursor`].
    Hole,
}

impl Progress {
    /// A follower that has everything before `cursor`.
    #[must_use]
    pub const fn from(cursor: Cursor) -> Self {
        Self {
            cursor,
            ended: false,
            missed: None,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn cursor(self) -> Cursor {
        self.cursor
    }

    /// Whether the end of the run was seen.
    #[must_use]
    pub const fn ended(self) -> bool {
        self.ended
    }

    /// Takes what is new of a message. What is still missing after the stream
    /// was asked again does not exist: then bytes become a gap, and the reader
    /// goes on.
    pub fn admit(&mut self, message: StreamMessage) -> Admitted {
        match message {
            StreamMessage::Run { .. } => Admitted::New(message),
            StreamMessage::Events { run, mut events } => {
                events.retain(|event| event.seq > self.cursor.seq);
                let (Some(first), Some(last)) = (events.first(), events.last()) else {
                    return Admitted::Old;
                };
                if first.seq != self.cursor.seq + 1 && !self.is_missed_again() {
                    return Admitted::Hole;
                }
                self.cursor.seq = last.seq;
                Admitted::New(StreamMessage::Events { run, events })
            }
            StreamMessage::Log { run, frames } => {
                let mut new = Vec::with_capacity(frames.len());
                for frame in frames {
                    let end = frame.offset + length(&frame);
                    if end <= self.cursor.offset {
                        continue;
                    }
                    if frame.offset > self.cursor.offset {
                        // What came before the hole is good.
                        if !new.is_empty() {
                            break;
                        }
                        if !self.is_missed_again() {
                            return Admitted::Hole;
                        }
                        let missing = LogBody::Gap(frame.offset - self.cursor.offset);
                        new.push(LogFrame {
                            offset: self.cursor.offset,
                            at: frame.at,
                            stream: None,
                            body: missing,
                        });
                        self.cursor.offset = frame.offset;
                    }
                    new.push(without_first(frame, self.cursor.offset));
                    self.cursor.offset = end;
                }
                if new.is_empty() {
                    return Admitted::Old;
                }
                Admitted::New(StreamMessage::Log { run, frames: new })
            }
            StreamMessage::End { ref log, .. } => {
                if self.ended {
                    return Admitted::Old;
                }
                if log.bytes > self.cursor.offset && !self.is_missed_again() {
                    return Admitted::Hole;
                }
                self.ended = true;
                Admitted::New(message)
            }
            StreamMessage::Bye { .. } => Admitted::Old,
        }
    }

    /// Whether something was missing at this very place before.
    fn is_missed_again(&mut self) -> bool {
        self.missed.replace(self.cursor) == Some(self.cursor)
    }
}

/// How many bytes of the log a frame stands for.
fn length(frame: &LogFrame) -> u64 {
    let bytes = match &frame.body {
        LogBody::Text(text) => text.len(),
        LogBody::Base64(text) => {
            text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count()
        }
        LogBody::Gap(bytes) => return *bytes,
    };
    bytes as u64
}

/// The bytes of a frame; none for a gap, and for base64 that is none.
#[must_use]
pub fn bytes(body: &LogBody) -> Vec<u8> {
    match body {
        LogBody::Text(text) => text.clone().into_bytes(),
        LogBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
        LogBody::Gap(_) => Vec::new(),
    }
}

/// The part of a frame from `offset` on.
fn without_first(frame: LogFrame, offset: u64) -> LogFrame {
    let seen = offset.saturating_sub(frame.offset);
    if seen == 0 {
        return frame;
    }
    let body = match frame.body {
        LogBody::Gap(bytes) => LogBody::Gap(bytes - seen),
        body => {
            let mut bytes = bytes(&body);
            bytes.drain(..usize::try_from(seen).map_or(bytes.len(), |seen| seen.min(bytes.len())));
            match String::from_utf8(bytes) {
                Ok(text) => LogBody::Text(text),
                Err(error) => LogBody::Base64(STANDARD.encode(error.as_bytes())),
            }
        }
    };
    LogFrame {
        offset,
        at: frame.at,
        stream: frame.stream,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{LogEnd, LogStream, Millis, RunEvent, RunId, events::EventKind};
    use proptest::prelude::*;

    fn run() -> RunId {
        RunId::parse("0199f3b2-6c1e-7d4a-8f00-0123456789ab").expect("an id")
    }

    fn log(offset: u64, body: LogBody) -> StreamMessage {
        let stream = (!matches!(body, LogBody::Gap(_))).then_some(LogStream::Stdout);
        StreamMessage::Log {
            run: run(),
            frames: vec![LogFrame {
                offset,
                at: Millis(0),
                stream,
                body,
            }],
        }
    }

    fn events(seqs: std::ops::Range<i64>) -> StreamMessage {
        let kind = EventKind::System { text: String::new() };
        let events = seqs
            .map(|seq| RunEvent {
                seq,
                at: Millis(0),
                offset: 0,
                kind: kind.clone(),
            })
            .collect();
        StreamMessage::Events { run: run(), events }
    }

    #[test]
    fn what_was_seen_is_dropped_and_a_hole_is_noticed() {
        let mut progress = Progress::default();
        let text = |text: &str| LogBody::Text(text.to_owned());
        assert_eq!(
            progress.admit(log(0, text("h\u{e9}llo"))),
            Admitted::New(log(0, text("h\u{e9}llo")))
        );
        assert_eq!(progress.admit(log(0, text("h\u{e9}l"))), Admitted::Old);
        assert_eq!(
            progress.admit(log(4, text("lo!"))),
            Admitted::New(log(6, text("!")))
        );
        assert_eq!(progress.admit(log(9, text("?"))), Admitted::Hole);
        assert_eq!(
            progress.admit(log(5, LogBody::Gap(10))),
            Admitted::New(log(7, LogBody::Gap(8)))
        );
        assert_eq!(progress.cursor(), Cursor { offset: 15, seq: 0 });

        assert_eq!(progress.admit(events(1..4)), Admitted::New(events(1..4)));
        assert_eq!(progress.admit(events(2..6)), Admitted::New(events(4..6)));
        assert_eq!(progress.admit(events(1..6)), Admitted::Old);
        assert_eq!(progress.admit(events(7..8)), Admitted::Hole);
    }

    #[test]
    fn a_cut_inside_a_character_keeps_its_bytes() {
        let mut progress = Progress::from(Cursor { offset: 2, seq: 0 });
        let admitted = progress.admit(log(0, LogBody::Text("h\u{e9}!".into())));
        assert_eq!(
            admitted,
            Admitted::New(log(2, LogBody::Base64(STANDARD.encode(b"\xa9!"))))
        );
        assert_eq!(progress.cursor().offset, 4);
    }

    #[test]
    fn what_stays_missing_becomes_a_gap() {
        let mut progress = Progress::default();
        let late = || log(3, LogBody::Text("x".into()));
        assert_eq!(progress.admit(late()), Admitted::Hole);
        let Admitted::New(StreamMessage::Log { frames, .. }) = progress.admit(late()) else {
            panic!("the second time it is taken");
        };
        assert_eq!(frames[0].body, LogBody::Gap(3));
        assert_eq!(frames[1].body, LogBody::Text("x".into()));
        assert_eq!(progress.cursor().offset, 4);
    }

    #[test]
    fn the_end_waits_for_every_byte() {
        let mut progress = Progress::default();
        let end = StreamMessage::End {
            run: run(),
            log: LogEnd {
                bytes: 2,
                lines: 1,
                sha256: String::new(),
                exact: true,
            },
        };
        assert_eq!(progress.admit(end.clone()), Admitted::Hole);
        progress.admit(log(0, LogBody::Text("a\n".into())));
        assert_eq!(progress.admit(end.clone()), Admitted::New(end.clone()));
        assert!(progress.ended());
        assert_eq!(progress.admit(end), Admitted::Old);
    }

    proptest! {
        /// Whatever the server repeats, every byte arrives once, in order.
        #[test]
        fn nothing_is_doubled_or_lost(
            whole in proptest::collection::vec(any::<u8>(), 0..200),
            cuts in proptest::collection::vec((0usize..200, 0usize..60), 0..40),
        ) {
            let mut progress = Progress::default();
            let mut got = Vec::new();
            for (start, size) in cuts.into_iter().chain([(0, 200)]) {
                let start = start.min(whole.len());
                let piece = &whole[start..(start + size).min(whole.len())];
                let body = match std::str::from_utf8(piece) {
                    Ok(text) => LogBody::Text(text.to_owned()),
                    Err(_) => LogBody::Base64(STANDARD.encode(piece)),
                };
                match progress.admit(log(start as u64, body)) {
                    Admitted::New(StreamMessage::Log { frames, .. }) => {
                        for frame in frames {
                            prop_assert_eq!(frame.offset, got.len() as u64);
                            got.extend(bytes(&frame.body));
                        }
                    }
                    Admitted::Hole => {
                        prop_assert!(start > got.len());
                        // Asked again from there, the server sends what is missing.
                        progress = Progress::from(progress.cursor());
                    }
                    _ => {}
                }
                prop_assert_eq!(progress.cursor().offset, got.len() as u64);
            }
            prop_assert_eq!(got, whole);
        }
    }
}
