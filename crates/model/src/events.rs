//! What readers of a run are told, and the cursor that says how far they are.

use crate::{Invalid, LogEnd, LogFrame, Millis, Phase, Run, RunId, RunState};
use serde::{Deserialize, Serialize};

/// How far a reader is: it has every byte before `offset` and every event up to `seq`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The next byte of the log.
    pub offset: u64,
    /// The last event it has; events count from 1.
    pub seq: i64,
}

impl Cursor {
    /// Writes the cursors of several runs as the `id:` of a server-sent event:
    /// `RUN@OFFSET.SEQ`, with commas between.
    #[must_use]
    pub fn write<'a>(cursors: impl IntoIterator<Item = (&'a RunId, Self)>) -> String {
        let parts: Vec<_> = cursors
            .into_iter()
            .map(|(run, cursor)| format!("{run}@{}.{}", cursor.offset, cursor.seq))
            .collect();
        parts.join(",")
    }

    /// Reads what [`Cursor::write`] wrote, or a client's `RUN`, `RUN@OFFSET` or
    /// `RUN@OFFSET.SEQ`, with commas between. At most 16 runs.
    ///
    /// # Errors
    /// When a part is none of these, or there are too many.
    pub fn read(text: &str) -> Result<Vec<(RunId, Self)>, Invalid> {
        let wrong = || {
            Invalid("A cursor is RUN@OFFSET.SEQ, with a comma between two, for at most 16 runs.".to_owned())
        };
        let mut cursors: Vec<(RunId, Self)> = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (run, place) = part.split_once('@').unwrap_or((part, "0.0"));
            let (offset, seq) = place.split_once('.').unwrap_or((place, "0"));
            let cursor = Self {
                offset: offset.parse().map_err(|_| wrong())?,
                seq: seq.parse().map_err(|_| wrong())?,
            };
            cursors.push((RunId::parse(run)?, cursor));
        }
        if cursors.len() > 16 {
            return Err(wrong());
        }
        Ok(cursors)
    }
}

/// Something that happened to a run, kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Counts the run's events from 1.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// How many bytes the log had then: the place in the log it belongs to.
    pub offset: u64,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "KindFields")]
pub enum EventKind {
    /// The run came to this state.
    State {
        /// The new state.
        state: RunState,
        /// Why, when there is more to say.
        reason: Option<String>,
    },
    /// A phase began.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// A phase ended.
    PhaseEnded {
        /// Which.
        phase: Phase,
        /// Its length in milliseconds.
        took: u64,
        /// A few words on it.
        detail: Option<String>,
        /// Whether it ended in an error.
        failed: bool,
    },
    /// Our own words in the log: a row of its own, beside the program's output.
    System {
        /// One sentence.
        text: String,
    },
}

/// What happened as it is read: field by field, so that the browser needs no code that gathers
/// values into a tree before it knows what they are.
#[derive(Deserialize)]
struct KindFields {
    kind: KindName,
    #[serde(default)]
    state: Option<RunState>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    phase: Option<Phase>,
    #[serde(default)]
    took: Option<u64>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    failed: Option<bool>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    State,
    PhaseStarted,
    PhaseEnded,
    System,
}

impl TryFrom<KindFields> for EventKind {
    type Error = Invalid;

    fn try_from(fields: KindFields) -> Result<Self, Invalid> {
        let read = match fields.kind {
            KindName::State => fields.state.map(|state| Self::State {
                state,
                reason: fields.reason,
            }),
            KindName::PhaseStarted => fields.phase.map(|phase| Self::PhaseStarted { phase }),
            KindName::PhaseEnded => {
                fields
                    .phase
                    .zip(fields.took.zip(fields.failed))
                    .map(|(phase, (took, failed))| Self::PhaseEnded {
                        phase,
                        took,
                        detail: fields.detail,
                        failed,
                    })
            }
            KindName::System => fields.text.map(|text| Self::System { text }),
        };
        read.ok_or_else(|| Invalid("An event of a run lacks what its kind needs.".to_owned()))
    }
}

/// One message of the stream of events a reader follows, for one run. The
/// server-sent event's type is the tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StreamMessage {
    /// The run as it is now. Sent first, and after every change.
    Run {
        /// All of it.
        run: Box<Run>,
    },
    /// Events, in order.
    Events {
        /// Whose.
        run: RunId,
        /// The events.
        events: Vec<RunEvent>,
    },
    /// Output, in order.
    Log {
        /// Whose.
        run: RunId,
        /// The frames.
        frames: Vec<LogFrame>,
    },
    /// Nothing more will come of this run.
    End {
        /// Whose.
        run: RunId,
        /// The end of its log.
        log: LogEnd,
    },
    /// The stream ends; the reader connects again, or signs in.
    Bye {
        /// `shutdown` or `signed_out`.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: &str = "0199f3b2-6c1e-7d4a-8f00-0123456789ab";

    #[test]
    fn cursors_of_clients() {
        let run = RunId::parse(RUN).expect("an id");
        let read = |text: &str| Cursor::read(text).expect("cursors");
        assert_eq!(read(RUN), [(run.clone(), Cursor::default())]);
        assert_eq!(
            read(&format!("{RUN}@5,{RUN}@6.7")),
            [
                (run.clone(), Cursor { offset: 5, seq: 0 }),
                (run, Cursor { offset: 6, seq: 7 })
            ]
        );
        for bad in [
            "x",
            &format!("{RUN}@-1"),
            &format!("{RUN}@1.x"),
            &[RUN; 17].join(","),
        ] {
            assert!(Cursor::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn events_are_read_as_they_are_written() {
        for kind in [
            EventKind::State {
                state: RunState::Failed,
                reason: Some("it fell".to_owned()),
            },
            EventKind::State {
                state: RunState::Running,
                reason: None,
            },
            EventKind::PhaseStarted { phase: Phase::Files },
            EventKind::PhaseEnded {
                phase: Phase::Sandbox,
                took: 9,
                detail: Some("warm".to_owned()),
                failed: false,
            },
            EventKind::System {
                text: "ready".to_owned(),
            },
        ] {
            let json = serde_json::to_string(&kind).expect("JSON");
            assert_eq!(serde_json::from_str::<EventKind>(&json).expect("an event"), kind);
        }
        for bad in [
            r#"{"kind":"system"}"#,
            r#"{"kind":"phase_ended","phase":"run"}"#,
            r#"{"kind":"x"}"#,
        ] {
            assert!(serde_json::from_str::<EventKind>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(offset: u64, seq in 0..i64::MAX) {
            let run = RunId::parse(RUN).expect("an id");
            let cursor = Cursor { offset, seq };
            prop_assert_eq!(Cursor::read(&Cursor::write([(&run, cursor)])).expect("cursors"), [(run, cursor)]);
        }

        #[test]
        fn hostile_cursors_are_refused_not_followed(text in "\\PC{0,80}") {
            let _ = Cursor::read(&text);
        }
    }
}
