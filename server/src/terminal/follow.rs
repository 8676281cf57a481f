//! Passing a run's output through, as it comes and byte for byte.

use super::{input, report::Progress};
use crate::failure::Failure;
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{Cursor, LogStream, Run, RunId, RunState, StreamMessage, log::LogBody};
use runs::Runs;
use std::time::{Duration, Instant};
use store::Store;
use tokio::io::{AsyncWriteExt, Stderr, Stdout};

/// How a run ended.
pub struct Ending {
    /// The run as it is stored.
    pub run: Run,
    /// The exit code of the signal that stopped us, if one did.
    pub signal_code: Option<u8>,
    /// Whether nobody reads our output any more.
    pub is_unread: bool,
    /// Whether standard error stands in the middle of a line.
    pub is_mid_line: bool,
    /// From asking for the run to its first byte of output.
    pub first_output: Option<Duration>,
}

impl Ending {
    /// What to exit with.
    pub fn exit_code(&self) -> u8 {
        let of_program = self.run.exit_code.and_then(|code| u8::try_from(code).ok());
        match self.run.state {
            _ if self.is_unread => 141,
            RunState::Succeeded => 0,
            RunState::Failed => of_program.unwrap_or(super::OWN_FAILURE),
            RunState::TimedOut => 124,
            RunState::Stopped => self.signal_code.unwrap_or(130),
            _ => super::OWN_FAILURE,
        }
    }
}

/// Our own two streams.
struct Output {
    stdout: Stdout,
    stderr: Stderr,
    is_mid_line: bool,
}

impl Output {
    async fn write(&mut self, stream: LogStream, bytes: &[u8]) -> std::io::Result<()> {
        match stream {
            LogStream::Stdout => self.stdout.write_all(bytes).await,
            LogStream::Stderr => {
                self.is_mid_line = bytes.last().is_some_and(|last| *last != b'\n');
                self.stderr.write_all(bytes).await
            }
        }
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        self.stdout.flush().await?;
        self.stderr.flush().await
    }
}

/// Follows the run to its end.
///
/// # Errors
/// When the run cannot be read.
pub async fn to_the_end(
    runs: &Runs,
    store: &Store,
    id: &RunId,
    mut progress: Progress,
) -> Result<Ending, Failure> {
    let said = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let began = Instant::now();
    let mut follower = runs
        .follow(id, Cursor::default())
        .await
        .map_err(|error| said(&error))?;
    let mut output = Output {
        stdout: tokio::io::stdout(),
        stderr: tokio::io::stderr(),
        is_mid_line: false,
    };
    let mut input = None;
    let (mut first_output, mut is_unread) = (None, false);
    while let Some(messages) = follower.next().await {
        for message in messages {
            match message {
                StreamMessage::Run { run } if run.state == RunState::Running => {
                    input.get_or_insert_with(|| input::forward(runs.clone(), id.clone()));
                }
                StreamMessage::Events { events, .. } => progress.events(&events),
                StreamMessage::Log { frames, .. } if !is_unread => {
                    first_output.get_or_insert_with(|| began.elapsed());
                    for frame in frames {
                        let written = match (&frame.body, frame.stream) {
                            (LogBody::Text(text), Some(stream)) => {
                                output.write(stream, text.as_bytes()).await
                            }
                            (LogBody::Base64(text), Some(stream)) => {
                                let bytes = BASE64_STANDARD.decode(text).map_err(|error| said(&error))?;
                                output.write(stream, &bytes).await
                            }
                            _ => Ok(()),
                        };
                        is_unread |= written.is_err();
                    }
                }
                _ => {}
            }
        }
        if !is_unread && output.flush().await.is_err() {
            is_unread = true;
        }
        if is_unread {
            // As a program ends whose output nobody reads.
            let _ = runs.stop(id).await;
        }
    }
    if let Some(input) = input {
        input.abort();
    }
    let run = store.run(id).await.map_err(|error| said(&error))?;
    Ok(Ending {
        run,
        signal_code: None,
        is_unread,
        is_mid_line: output.is_mid_line,
        first_output,
    })
}
