//! One cell from the moment the worker takes it to its end.

use std::os::fd::AsFd;
use std::time::Duration;

use daytona::{InterpreterMessage, InterpreterMessageKind as Kind};
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::outbox::{Outbox, Step};
use super::text::{Text, shorten};
use super::worker::{Failure, Outcome, Worker, ended, ready};
use crate::sandbox::Sandbox;

/// How long an interrupted cell may take before its worker is killed.
const GRACE: Duration = Duration::from_secs(2);
/// The most that a pipe holds: more, after a cell's end, is not its own.
const PIPE_SIZE: usize = 1 << 20;
const BUFFER: usize = 64 << 10;
/// The most of an error's parts in a message, as JSON; together they fit one.
const LONGEST: [usize; 3] = [1 << 10, 16 << 10, 40 << 10];
const INTERRUPT: i32 = 2;

/// How a cell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It came to its own end; the client was told of its error.
    Completed,
    /// Its time was up. The worker lives when the interrupt was enough.
    TimedOut { worker_lives: bool },
    /// The worker ended, with this number a shell would show.
    WorkerEnded(i32),
    /// The context was deleted.
    Deleted,
}

/// One stream of the cell.
struct Stream {
    kind: Kind,
    text: Text,
    open: bool,
    /// Bytes read since the cell's end, and whether no more are there.
    after: usize,
    drained: bool,
}

impl Stream {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            text: Text::default(),
            open: true,
            after: 0,
            drained: false,
        }
    }

    /// Reads once.
    fn read(&mut self, pipe: &Receiver, buffer: &mut [u8], outbox: &mut Outbox) {
        // The pipe's readiness is the runtime's guess; the read itself knows.
        match pipe.try_read(buffer) {
            Ok(0) => self.open = false,
            Ok(length) => outbox.say(self.kind, self.text.push(&buffer[..length])),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.open = false,
        }
    }

    /// Reads once what the cell left in the pipe.
    fn drain(&mut self, pipe: impl AsFd, buffer: &mut [u8], outbox: &mut Outbox) {
        match rustix::io::read(pipe, &mut *buffer) {
            Ok(length) if length > 0 && self.after <= PIPE_SIZE => {
                self.after += length;
                outbox.say(self.kind, self.text.push(&buffer[..length]));
            }
            Err(rustix::io::Errno::INTR) => {}
            _ => {
                self.drained = true;
                outbox.say(self.kind, self.text.finish());
            }
        }
    }
}

/// Attends to a cell that the worker has been given.
pub(super) async fn attend(
    sandbox: &Sandbox,
    worker: &mut Worker,
    limit: Option<Duration>,
    deleted: &CancellationToken,
    outbox: &mut Outbox,
) -> End {
    let mut streams = [Stream::new(Kind::Stdout), Stream::new(Kind::Stderr)];
    let mut buffer = vec![0; BUFFER];
    // A limit that no clock can hold is none.
    let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut interrupted = false;
    let end = loop {
        let [out, err] = &mut streams;
        let free = outbox.is_empty();
        let word = tokio::select! {
            biased;
            () = deleted.cancelled() => break End::Deleted,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                if interrupted {
                    break End::TimedOut { worker_lives: false };
                }
                interrupted = true;
                deadline = Some(Instant::now() + GRACE);
                if let Err(error) = sandbox.signal_group(worker.pid, INTERRUPT).await {
                    tracing::debug!(%error, "a cell could not be interrupted");
                }
                continue;
            }
            () = outbox.hand_on(), if !free => continue,
            () = ready(&worker.stdout), if free && out.open => {
                out.read(&worker.stdout, &mut buffer, outbox);
                continue;
            }
            () = ready(&worker.stderr), if free && err.open => {
                err.read(&worker.stderr, &mut buffer, outbox);
                continue;
            }
            word = worker.words.next::<Outcome>() => word,
            code = ended(&mut worker.exit) => break End::WorkerEnded(code),
        };
        if let Ok(Some(outcome)) = word {
            drain(worker, &mut streams, &mut buffer, outbox).await;
            break completed(outcome, interrupted, outbox);
        }
        // It ends, or has become something else.
        if let Err(error) = sandbox.end_tree(&[worker.pid], Duration::ZERO).await {
            tracing::debug!(%error, "an interpreter could not be ended");
        }
        break End::WorkerEnded(ended(&mut worker.exit).await);
    };
    if matches!(end, End::WorkerEnded(_)) {
        drain(worker, &mut streams, &mut buffer, outbox).await;
    }
    end
}

fn completed(outcome: Outcome, interrupted: bool, outbox: &mut Outbox) -> End {
    if interrupted {
        return End::TimedOut { worker_lives: true };
    }
    if let Some(failure) = outcome.error {
        outbox.push(Step::Say(message(failure)));
    } else if outcome.interrupted {
        // Somebody else's signal: to the code it is an exception as any other.
        let name = "KeyboardInterrupt".to_owned();
        outbox.push(Step::Say(message(Failure {
            traceback: format!("{name}\n"),
            name,
            value: String::new(),
        })));
    }
    End::Completed
}

fn message(failure: Failure) -> InterpreterMessage {
    let Failure {
        mut name,
        mut value,
        mut traceback,
    } = failure;
    for (text, most) in [&mut name, &mut value, &mut traceback].into_iter().zip(LONGEST) {
        shorten(text, most);
    }
    InterpreterMessage {
        kind: Kind::Error,
        text: String::new(),
        name,
        value,
        traceback,
    }
}

/// Reads what is in the pipes now.
async fn drain(worker: &Worker, streams: &mut [Stream; 2], buffer: &mut [u8], outbox: &mut Outbox) {
    let [out, err] = streams;
    loop {
        if !outbox.is_empty() {
            outbox.hand_on().await;
        } else if !out.drained {
            out.drain(&worker.stdout, buffer, outbox);
        } else if !err.drained {
            err.drain(&worker.stderr, buffer, outbox);
        } else {
            return;
        }
    }
}
