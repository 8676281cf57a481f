//! Drives one run from its start to its end. One task owns the run; whoever
//! wants something of it puts a request into its queue, and nobody else writes
//! its state.
//!
//! ```text
//!  queued ──a place is free──▶ preparing ──the program was started──▶ running
//!    │                            │ sandbox → files → packages           │
//!    │ stop                       │ stop, the provider fails             ├─ the status gives a code ─▶ code
//!    │                            │                                      ├─ stop ──▶ end ──▶ stopped
//!    │                            │                                      ├─ time ──▶ end ──▶ timed out
//!    │                            │                                      └─ fate unknown ─▶ lost
//!    └───────────────┬────────────┴──────────────────────────────────────┘
//!                    ▼
//!                finishing ──log stored, sandbox deleted or kept──▶ succeeded (code 0) | failed (another
//!                                                                   code, or never started) | timed_out
//!                                                                   | stopped | lost
//! ```
//! A stop is only told when it is true: the run stays `running`, with the
//! reason `Stopping`, until the provider has verified that nothing is left, or
//! the sandbox itself is gone.

mod attend;
mod end;
mod finish;
mod packages;
mod prepare;
mod program;
mod resume;
mod turn;

pub(crate) use packages::wanted as wanted_packages;
pub(crate) use resume::{After, Resumed};

use crate::{
    RunsConfig,
    book::Book,
    handle::Handle,
    interpreters,
    ledger::Writer,
    live::{Hub, Request},
    masking::{MaskBook, Masks},
    once::Once,
    queue::{Queue, Ticket},
    record::Record,
    replicas::Bell,
    rounds::Rounds,
    sandboxes::{Asked, Held, Sandboxes},
    vault::Vault,
};
use model::{AgentSettings, LogEnd, RunState, SandboxRecord, StopProof};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Instant,
};
use store::{Replica, Revision, Serving, Store};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What all drivers share.
pub(crate) struct Context {
    pub(crate) config: RunsConfig,
    pub(crate) store: Store,
    /// This server among others on the same database.
    pub(crate) replica: Replica,
    pub(crate) bell: Arc<Bell>,
    pub(crate) client: daytona::Client,
    pub(crate) hub: Hub,
    pub(crate) queue: Queue,
    pub(crate) sandboxes: Arc<Sandboxes>,
    pub(crate) rounds: Rounds,
    pub(crate) interpreters: interpreters::Known,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    pub(crate) vault: Vault,
    pub(crate) masks: MaskBook,
    /// The right to serve this database.
    pub(crate) serving: Mutex<Option<Serving>>,
}

/// The sandbox of a run, as far as it has one.
enum Claim {
    None,
    /// Known by its row alone, after a restart.
    Row(SandboxRecord),
    Asked(Asked),
    Held(Box<Held>),
}

/// How a run ends.
struct Verdict {
    state: RunState,
    reason: Option<String>,
    exit_code: Option<i32>,
    stop: Option<StopProof>,
    /// Whether every byte of the output is in the ledger as the program wrote it.
    exact: bool,
    /// Our row in the log.
    row: Option<String>,
}

impl Verdict {
    /// The program was never started.
    fn not_started(reason: String) -> Self {
        Self {
            state: RunState::Failed,
            row: Some(reason.clone()),
            reason: Some(reason),
            exit_code: None,
            stop: None,
            exact: true,
        }
    }

    fn lost(reason: String) -> Self {
        Self {
            state: RunState::Lost,
            row: Some(reason.clone()),
            reason: Some(reason),
            exit_code: None,
            stop: None,
            exact: false,
        }
    }
}

/// The requests to a driver.
struct Requests {
    received: mpsc::UnboundedReceiver<Request>,
    /// Input that came while the program was looked for, after a restart.
    kept: VecDeque<Request>,
}

impl Requests {
    /// The next one. Cancel-safe.
    async fn next(&mut self) -> Option<Request> {
        match self.kept.pop_front() {
            Some(request) => Some(request),
            None => self.received.recv().await,
        }
    }

    /// Waits for a stop; input that comes is kept for the program, which runs.
    async fn stop_and_keep(&mut self) -> Instant {
        loop {
            match self.received.recv().await {
                Some(Request::Stop { at }) => return at,
                Some(input) => self.kept.push_back(input),
                None => std::future::pending().await,
            }
        }
    }

    /// Waits for a stop; input that comes before the program runs is refused with a sentence.
    async fn stop(&mut self) -> Instant {
        loop {
            match self.next().await {
                Some(Request::Stop { at }) => return at,
                Some(Request::Input { reply, .. }) => refuse(reply, "The program does not run yet."),
                // The sender lives as long as the driver.
                None => std::future::pending().await,
            }
        }
    }

    /// Answers what comes after the program's end.
    async fn refuse_all(&mut self) {
        loop {
            match self.next().await {
                Some(Request::Stop { .. }) => {}
                Some(Request::Input { reply, .. }) => refuse(reply, "The program has ended."),
                None => std::future::pending().await,
            }
        }
    }
}

fn refuse(reply: oneshot::Sender<Result<(), String>>, words: &str) {
    // Whoever asked may have given up.
    let _ = reply.send(Err(words.to_owned()));
}

/// One run and all that belongs to it.
pub(crate) struct Driver {
    work: Work,
    requests: Requests,
}

/// Where a driver begins.
pub(crate) enum Beginning {
    /// A new run, in line for its turn.
    InLine(Ticket),
    /// What an earlier process left.
    Left(Box<Resumed>),
}

/// The driver without its requests, so that one can be waited for while the other goes on.
struct Work {
    context: Arc<Context>,
    book: Book,
    record: Record,
    writer: Writer,
    settings: AgentSettings,
    revision: Option<Revision>,
    fresh: bool,
    /// What this run alone is given; not known any more after a restart.
    once: Option<Once>,
    claim: Claim,
    handle: Option<Handle>,
    /// What is masked in the output.
    masks: Arc<Masks>,
    /// What the program is given; the values are not known any more after a restart.
    variables: BTreeMap<String, String>,
    /// The id of the command on its way into the database.
    noting: Option<JoinHandle<()>>,
    /// When the program was started.
    started: Option<Instant>,
    /// The end of the log, once it is stored.
    end: Option<LogEnd>,
}

impl Driver {
    /// A driver of a run: of a queued one with the files to run, whether in a fresh sandbox, and what it
    /// is given for once, or of one that an earlier process left.
    pub(crate) fn new(
        context: Arc<Context>,
        book: Book,
        record: Record,
        writer: Writer,
        requests: mpsc::UnboundedReceiver<Request>,
        settings: AgentSettings,
        start: Option<(Revision, bool, Option<Once>)>,
    ) -> Self {
        let (revision, fresh, once) = start.map_or((None, false, None), |(revision, fresh, once)| {
            (Some(revision), fresh, once)
        });
        Self {
            work: Work {
                masks: context.masks.own(),
                variables: BTreeMap::new(),
                context,
                book,
                record,
                writer,
                settings,
                revision,
                fresh,
                once,
                claim: Claim::None,
                handle: None,
                noting: None,
                started: None,
                end: None,
            },
            requests: Requests {
                received: requests,
                kept: VecDeque::new(),
            },
        }
    }

    /// Drives to the end, or until the process shuts down; then what is known is stored, and the run is
    /// left to the next process. When another server has the run, nothing more is done at all.
    pub(crate) async fn drive(mut self, beginning: Beginning) {
        let shutdown = self.work.context.shutdown.clone();
        let lost = self.work.book.lease.lost.clone();
        tokio::select! {
            // First: who has lost a run takes no step of it.
            biased;
            () = lost.cancelled() => self.work.give_up(),
            () = shutdown.cancelled() => self.work.leave().await,
            () = self.run_to_end(beginning) => self.work.conclude().await,
        }
    }

    async fn run_to_end(&mut self, beginning: Beginning) {
        let context = Arc::clone(&self.work.context);
        let (verdict, _place) = match beginning {
            Beginning::InLine(mut ticket) => {
                tokio::select! {
                    place = self.work.turn(&mut ticket) => (self.run_from_start().await, Some(place)),
                    at = self.requests.stop() => (Work::stopped_before_the_start(at), None),
                }
            }
            Beginning::Left(left) => {
                let place = context.queue.already_running(&left.person);
                (self.resume(*left).await, Some(place))
            }
        };
        tokio::select! {
            () = self.work.finish(verdict) => {}
            () = self.requests.refuse_all() => {}
        }
    }

    async fn run_from_start(&mut self) -> Verdict {
        self.work.record.end_phase(None, false);
        self.work.record.state(RunState::Preparing, None);
        let prepared = tokio::select! {
            prepared = self.work.prepare() => prepared,
            at = self.requests.stop() => return self.work.stop_preparing(at).await,
        };
        if let Err(reason) = prepared {
            self.work.record.end_phase(None, true);
            return Verdict::not_started(reason);
        }
        let program = tokio::select! {
            program = self.work.launch() => program,
            at = self.requests.stop() => return self.work.stop_preparing(at).await,
        };
        match program {
            Ok(program) => self.attend(program).await,
            Err(verdict) => verdict,
        }
    }
}
