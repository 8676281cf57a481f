//! Reads a command's output into the ledger until the command has ended, and
//! learns its exit code.
//!
//! ```text
//! follow ──end──▶ status ──code──▶ exited        (an exit code comes from the status alone)
//!   ▲  │            │ still running
//!   │  └─break──▶ pause, ask what became of the sandbox ──gone──▶ lost
//!   └───────────────┘ └─ unreachable for too long ─────────────▶ lost
//! ```
//! What is read on after a break continues at the place that the ledger asks
//! for, so that no byte is there twice and none is passed over in silence.

use crate::{ledger::Ledger, reading::LogReader, reconcile};
use daytona::{Client, Error, LogFollow, LogPiece, SandboxState, Toolbox, wire::Stream};
use model::{LogStream, Millis, Provider};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long a stream may be silent before the status is asked for.
const SILENCE: Duration = Duration::from_secs(15);
/// How soon the exit code is asked for again after the end of the output.
const FIRST_STATUS_PAUSE: Duration = Duration::from_millis(5);
/// How long the exit code may come after the end of the output before the stream is followed again.
const STATUS_PATIENCE: Duration = Duration::from_secs(2);
/// The longest pause between two tries to reach the provider.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a connection that brings nothing has to hold to count as one.
const SETTLED: Duration = Duration::from_secs(1);
/// How often a log has to end, or to go on after a hole, at the same place before that is believed,
/// when the provider does not say so.
const UNPROVED: u32 = 5;
/// How long output may wait for the database before anybody is told.
const ROOM_WITHIN: Duration = Duration::from_secs(3);
/// How long the provider may be away before anybody is told.
const TROUBLE_AFTER: Duration = Duration::from_secs(1);

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ended, and its output was read to the end.
    Exited {
        /// Its exit code; 128 + the signal when one ended it.
        code: i32,
        /// Whether the output is byte for byte what it wrote.
        exact: bool,
    },
    /// It cannot be known.
    Lost {
        /// Why.
        reason: String,
    },
}

/// Something to tell the people who watch.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A row in the log.
    Row(String),
    /// What the run waits for; none when it goes on.
    Trouble(Option<String>),
}

/// One command and where its output goes.
pub(crate) struct Ingest {
    pub(crate) client: Client,
    pub(crate) toolbox: Toolbox,
    pub(crate) session: String,
    pub(crate) command: String,
    /// The offset in the ledger where the command's output begins.
    pub(crate) base: u64,
    pub(crate) ledger: Arc<Ledger>,
    /// Reads back what was taken in, to compare it.
    pub(crate) reader: LogReader,
    /// How long the provider may be unreachable.
    pub(crate) patience: Duration,
    /// Where the sandbox lives.
    pub(crate) provider: Provider,
    /// Set when the output was read to its end, byte for byte.
    pub(crate) complete: Arc<AtomicBool>,
    pub(crate) notices: mpsc::UnboundedSender<Notice>,
}

/// What is asked for again before it is believed.
#[derive(Default)]
struct Doubt {
    /// Bytes were missing that nobody said are lost.
    hole: Repeated,
    /// The log ended without proof.
    end: Repeated,
}

/// Where something was met, and how often in a row.
#[derive(Default)]
struct Repeated {
    offset: u64,
    times: u32,
}

impl Repeated {
    /// Whether what nobody proves is so: when it was met at the same place often enough. A network that
    /// loses a frame may lose it twice.
    fn is_believed(&mut self, offset: u64) -> bool {
        let times = if self.offset == offset { self.times + 1 } else { 1 };
        *self = Self { offset, times };
        times >= UNPROVED
    }
}

enum Status {
    Exited(i32),
    Running,
}

impl Ingest {
    /// Reads to the end.
    pub(crate) async fn run(self) -> Outcome {
        let mut contact = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut troubled = false;
        let mut doubt = Doubt::default();
        loop {
            let mut reached = false;
            let (began, before) = (Instant::now(), self.ledger.place());
            let error = match self.round(&mut reached, &mut doubt).await {
                Ok(Some(outcome)) => {
                    self.ledger.let_go();
                    return outcome;
                }
                Ok(None) => None,
                Err(error) => Some(error),
            };
            // A connection that gave nothing and broke at once is none.
            let held = self.ledger.place() > before || began.elapsed() >= SETTLED.min(self.patience);
            if reached && held {
                // However long the program was quiet: an outage begins when the connection breaks.
                contact = Instant::now();
                pause = Duration::from_millis(100);
                if std::mem::take(&mut troubled) {
                    self.tell(Notice::Trouble(None));
                }
            }
            if let Some(error) = error {
                if !is_passing(&error)
                    && let Some(reason) = self.fate(&error).await
                {
                    return Outcome::Lost { reason };
                }
                let away = contact.elapsed();
                if away >= self.patience {
                    return Outcome::Lost {
                        reason: self.out_of_reach(&error),
                    };
                }
                if away >= TROUBLE_AFTER && !troubled {
                    troubled = true;
                    self.tell(Notice::Trouble(Some(format!(
                        "The provider cannot be reached. Trying again for {} s: {error}.",
                        self.patience.as_secs()
                    ))));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell(&self, notice: Notice) {
        // Nobody listens any more once the run is being ended.
        let _ = self.notices.send(notice);
    }

    /// Follows from where the ledger is, and asks for the status after. None: the command still runs.
    /// `reached` is set when the provider let us follow.
    async fn round(&self, reached: &mut bool, doubt: &mut Doubt) -> Result<Option<Outcome>, Error> {
        let from = self.ledger.place();
        let mut follow = self
            .toolbox
            .follow_logs(&self.session, &self.command, from)
            .await?;
        *reached = true;
        let exact = follow.exact();
        self.read(&mut follow, doubt).await?;
        // Who closes politely need not be the provider.
        if exact && !follow.proved() && !doubt.end.is_believed(self.ledger.place()) {
            return Ok(None);
        }
        self.complete.store(exact, Ordering::Release);
        let began = Instant::now();
        let mut pause = FIRST_STATUS_PAUSE;
        while began.elapsed() < STATUS_PATIENCE {
            if let Status::Exited(code) = self.status().await? {
                if !exact {
                    reconcile::complete(self).await?;
                }
                return Ok(Some(Outcome::Exited { code, exact }));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
        Ok(None)
    }

    /// Reads what comes until the stream ends, or until the command has ended and the stream stays silent.
    async fn read(&self, follow: &mut LogFollow, doubt: &mut Doubt) -> Result<(), Error> {
        let mut over_limit = self.ledger.is_over_limit();
        let mut ended = false;
        loop {
            match tokio::time::timeout(SILENCE, follow.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(piece)) => {
                    let piece = piece?;
                    // Nobody said that these are lost: they are asked for again. What stays missing at the
                    // same place is gone.
                    if let LogPiece::Gap {
                        offset,
                        at_ms: None,
                        missing,
                    } = piece
                        && !doubt.hole.is_believed(offset)
                    {
                        let reason = format!("{missing} bytes did not come");
                        return Err(Error::LogBroken { offset, reason });
                    }
                    self.append(piece).await;
                }
                Err(_) if ended => return Ok(()),
                Err(_) => ended = matches!(self.status().await?, Status::Exited(_)),
            }
            if !over_limit && self.ledger.is_over_limit() {
                over_limit = true;
                let words = "The log is over its limit. From here on only its end is kept.";
                self.tell(Notice::Row(words.to_owned()));
            }
        }
    }

    async fn append(&self, piece: LogPiece) {
        // The database is behind by the whole ring: let the program's output wait in the sandbox.
        if tokio::time::timeout(ROOM_WITHIN, self.ledger.room())
            .await
            .is_err()
        {
            let words = "More output than fits into memory waits for the database. The rest waits in the sandbox; nothing of it is lost.";
            self.tell(Notice::Row(words.to_owned()));
            self.ledger.room().await;
        }
        match piece {
            LogPiece::Output {
                at_ms, stream, bytes, ..
            } => {
                let stream = match stream {
                    Stream::Stdout => LogStream::Stdout,
                    Stream::Stderr => LogStream::Stderr,
                };
                self.ledger
                    .append(stream, at_ms.map_or_else(Millis::now, Millis), &bytes);
            }
            LogPiece::Gap { at_ms, missing, .. } => {
                self.ledger
                    .append_gap(at_ms.map_or_else(Millis::now, Millis), missing);
            }
        }
    }

    async fn status(&self) -> Result<Status, Error> {
        let command = self.toolbox.session_command(&self.session, &self.command).await?;
        Ok(command.exit_code.map_or(Status::Running, Status::Exited))
    }

    /// After an answer that will not change: what became of the sandbox. None when that cannot be told now.
    async fn fate(&self, error: &Error) -> Option<String> {
        match self.client.get(self.toolbox.sandbox_id()).await {
            Ok(sandbox) => match sandbox.state.unwrap_or_default() {
                SandboxState::Started => Some(format!(
                    "The sandbox does not know the program any more. {UNKNOWN} ({error})"
                )),
                SandboxState::Unknown
                | SandboxState::Starting
                | SandboxState::Creating
                | SandboxState::Restoring
                | SandboxState::Resuming
                | SandboxState::Resizing
                | SandboxState::Snapshotting => None,
                state => Some(ended_words(self.provider, state, sandbox.error_reason)),
            },
            Err(gone) if gone.is_not_found() => Some(gone_words(self.provider)),
            Err(_) => None,
        }
    }

    fn out_of_reach(&self, error: &Error) -> String {
        let seconds = self.patience.as_secs();
        match self.provider {
            Provider::Embedded => format!(
                "The engine ended while the program ran, or cannot be reached since {seconds} s. {UNKNOWN} ({error})"
            ),
            Provider::Daytona => {
                format!("The provider could not be reached for {seconds} s. {UNKNOWN} ({error})")
            }
        }
    }
}

const UNKNOWN: &str = "How the program ended cannot be known.";

/// The sandbox exists and does not run.
pub(crate) fn ended_words(provider: Provider, state: SandboxState, reason: Option<String>) -> String {
    match (provider, reason) {
        (_, Some(reason)) => format!("The sandbox was ended while the program ran: {reason}. {UNKNOWN}"),
        (Provider::Embedded, None) => {
            format!("The engine ended while the program ran, and the sandbox with it. {UNKNOWN}")
        }
        (Provider::Daytona, None) => format!(
            "The sandbox was ended while the program ran: it is {}. {UNKNOWN}",
            state.as_str().replace('_', " ")
        ),
    }
}

/// The sandbox does not exist.
pub(crate) fn gone_words(provider: Provider) -> String {
    match provider {
        Provider::Embedded => {
            format!(
                "The sandbox is gone: it was deleted, or its engine ended, while the program ran. {UNKNOWN}"
            )
        }
        Provider::Daytona => {
            format!("The sandbox is gone: the provider ended it while the program ran. {UNKNOWN}")
        }
    }
}

/// Whether asking again may help without anything else having changed: so it is with everything that
/// the network, and whoever stands in it, can do to an answer.
pub(crate) fn is_passing(error: &Error) -> bool {
    matches!(error, Error::LogClosed { .. } | Error::Malformed { .. })
        || error.is_retryable()
        || error
            .status()
            .is_some_and(|status| status >= 500 || status == 408 || status == 429)
}
