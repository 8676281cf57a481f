//! Messages of the stream as they are read: by the type of the server-sent
//! event, which says what follows. Read by the tag inside, every message would
//! be gathered into a tree first.

use model::{LogEnd, LogFrame, Run, RunEvent, RunId, StreamMessage};
use serde::Deserialize;

/// The types of server-sent events: the tags of `StreamMessage`.
pub const TYPES: [&str; 5] = ["run", "events", "log", "end", "bye"];

#[derive(Deserialize)]
struct OfRun {
    run: Box<Run>,
}

#[derive(Deserialize)]
struct OfEvents {
    run: RunId,
    events: Vec<RunEvent>,
}

#[derive(Deserialize)]
struct OfLog {
    run: RunId,
    frames: Vec<LogFrame>,
}

#[derive(Deserialize)]
struct OfEnd {
    run: RunId,
    log: LogEnd,
}

#[derive(Deserialize)]
struct OfBye {
    reason: String,
}

/// Reads the data of an event of this type.
///
/// # Errors
/// When it is not what the type promises.
pub fn read(kind: &str, data: &str) -> Result<StreamMessage, serde_json::Error> {
    Ok(match kind {
        "run" => {
            let OfRun { run } = serde_json::from_str(data)?;
            StreamMessage::Run { run }
        }
        "events" => {
            let OfEvents { run, events } = serde_json::from_str(data)?;
            StreamMessage::Events { run, events }
        }
        "log" => {
            let OfLog { run, frames } = serde_json::from_str(data)?;
            StreamMessage::Log { run, frames }
        }
        "end" => {
            let OfEnd { run, log } = serde_json::from_str(data)?;
            StreamMessage::End { run, log }
        }
        _ => {
            let OfBye { reason } = serde_json::from_str(data)?;
            StreamMessage::Bye { reason }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{EventKind, LogStream, Millis, log::LogBody};

    #[test]
    fn messages_are_read_as_the_server_writes_them() {
        let run = RunId::parse("0199f3b2-6c1e-7d4a-8f00-0123456789ab").expect("an id");
        let messages = [
            StreamMessage::Events {
                run: run.clone(),
                events: vec![RunEvent {
                    seq: 3,
                    at: Millis(5),
                    offset: 7,
                    kind: EventKind::System {
                        text: "ready".to_owned(),
                    },
                }],
            },
            StreamMessage::Log {
                run: run.clone(),
                frames: vec![LogFrame {
                    offset: 0,
                    at: Millis(5),
                    stream: Some(LogStream::Stderr),
                    body: LogBody::Text("x\n".to_owned()),
                }],
            },
            StreamMessage::End {
                run,
                log: LogEnd {
                    bytes: 2,
                    lines: 1,
                    sha256: "00".to_owned(),
                    exact: true,
                },
            },
            StreamMessage::Bye {
                reason: "shutdown".to_owned(),
            },
        ];
        for message in messages {
            let data = serde_json::to_string(&message).expect("JSON");
            let tag: serde_json::Value = serde_json::from_str(&data).expect("JSON");
            let kind = tag["type"].as_str().expect("a type");
            assert!(TYPES.contains(&kind), "{kind}");
            assert_eq!(read(kind, &data).expect("a message"), message);
        }
        assert!(read("log", "{}").is_err());
    }
}
