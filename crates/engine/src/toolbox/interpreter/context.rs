//! A context: a queue of cells and the task that has them run one by one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use daytona::{InterpreterContext, InterpreterMessage, InterpreterMessageKind};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::cell::{self, End};
use super::outbox::{Outbox, Step};
use super::worker::{Cell, Worker};
use crate::clock;
use crate::registry::Live;
use crate::sandbox::SandboxError;

/// Cells that may wait.
const QUEUE: usize = 128;
/// Close codes of a WebSocket.
pub(super) const COMPLETED: u16 = 1000;
pub(super) const WORKER_ENDED: u16 = 1001;
pub(super) const BAD_MESSAGE: u16 = 1002;
pub(super) const REFUSED: u16 = 1008;
pub(super) const FAILED: u16 = 1011;
pub(super) const TIMED_OUT: u16 = 4008;

/// A cell on its way.
#[derive(Debug)]
pub(super) struct Run {
    pub code: String,
    pub envs: BTreeMap<String, String>,
    pub limit: Option<Duration>,
    pub outbox: Outbox,
}

#[derive(Debug)]
enum Job {
    /// Have a worker ready, and say whether that worked.
    Start(oneshot::Sender<Result<(), SandboxError>>),
    Run(Box<Run>),
}

/// An interpreter with its variables.
#[derive(Debug)]
pub(super) struct Context {
    pub id: String,
    cwd: String,
    created_ms: i64,
    jobs: mpsc::Sender<Job>,
    active: AtomicBool,
    deleted: CancellationToken,
}

impl Context {
    /// Makes one whose worker does not run yet.
    pub(super) fn new(live: &Arc<Live>, id: String, cwd: String) -> Arc<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let context = Arc::new(Self {
            id,
            cwd,
            created_ms: clock::now_ms(),
            jobs,
            active: AtomicBool::new(false),
            deleted: CancellationToken::new(),
        });
        tokio::spawn(serve(Arc::clone(&context), Arc::downgrade(live), queue));
        context
    }

    pub(super) fn describe(&self) -> InterpreterContext {
        InterpreterContext {
            id: self.id.clone(),
            cwd: self.cwd.clone(),
            created_at: clock::rfc3339(self.created_ms),
            active: self.active.load(Ordering::Relaxed),
            language: "python".to_owned(),
        }
    }

    /// Starts its worker.
    pub(super) async fn start(&self) -> Result<(), SandboxError> {
        let (told, started) = oneshot::channel();
        let ended = || SandboxError::Ended("the context was deleted".into());
        self.jobs.send(Job::Start(told)).await.map_err(|_| ended())?;
        started.await.map_err(|_| ended())?
    }

    /// Puts a cell into the queue; given back when that is full or the context
    /// is gone.
    pub(super) fn run(&self, run: Run) -> Result<(), Outbox> {
        self.jobs
            .try_send(Job::Run(Box::new(run)))
            .map_err(|error| match error.into_inner() {
                Job::Run(run) => run.outbox,
                Job::Start(_) => unreachable!("what comes back is what was sent"),
            })
    }

    /// Ends it with its worker.
    pub(super) fn delete(&self) {
        self.deleted.cancel();
    }
}

/// Serves a context until it is deleted, too long unused, or its sandbox ends.
async fn serve(context: Arc<Context>, live: Weak<Live>, mut queue: mpsc::Receiver<Job>) {
    let Some((mut ended, idle)) = live
        .upgrade()
        .map(|live| (live.sandbox.ended(), live.contexts.idle_limit()))
    else {
        return;
    };
    let mut worker: Option<Worker> = None;
    loop {
        context.active.store(worker.is_some(), Ordering::Relaxed);
        let resting = async {
            match &mut worker {
                Some(worker) => worker.rest().await,
                None => std::future::pending().await,
            }
        };
        let job = tokio::select! {
            job = queue.recv() => job,
            () = resting => {
                end(&live, worker.take()).await;
                continue;
            }
            () = tokio::time::sleep(idle) => None,
            () = context.deleted.cancelled() => None,
            () = async { let _ = ended.wait_for(Option::is_some).await; } => None,
        };
        let (Some(job), Some(live)) = (job, live.upgrade()) else {
            break;
        };
        match job {
            Job::Start(told) => {
                // Whoever asked may have left; the worker waits all the same.
                let _ = told.send(prepare(&live, &context.cwd, &mut worker).await);
            }
            Job::Run(run) => run_cell(&live, &context, &mut worker, *run).await,
        }
    }
    if let Some(live) = live.upgrade() {
        live.contexts.forget(&context);
    }
    end(&live, worker).await;
    queue.close();
    while let Some(job) = queue.recv().await {
        if let Job::Run(run) = job {
            run.outbox.close(WORKER_ENDED, "the context was deleted").await;
        }
    }
}

/// Starts a worker unless one waits.
async fn prepare(live: &Live, cwd: &str, worker: &mut Option<Worker>) -> Result<(), SandboxError> {
    if worker.is_none() {
        *worker = Some(Worker::start(live, cwd).await?);
    }
    Ok(())
}

async fn run_cell(live: &Arc<Live>, context: &Context, slot: &mut Option<Worker>, run: Run) {
    let mut outbox = run.outbox;
    if let Err(error) = prepare(live, &context.cwd, slot).await {
        return outbox.close(FAILED, error.to_string()).await;
    }
    let Some(worker) = slot else { return };
    context.active.store(true, Ordering::Relaxed);
    let cell = Cell {
        code: &run.code,
        envs: &run.envs,
    };
    if let Err(error) = worker.give(&cell).await {
        tracing::debug!(%error, "an interpreter does not take its cell");
    }
    let end_of_cell = cell::attend(&live.sandbox, worker, run.limit, &context.deleted, &mut outbox).await;
    if !matches!(end_of_cell, End::Completed | End::TimedOut { worker_lives: true }) {
        end(&Arc::downgrade(live), slot.take()).await;
        context.active.store(false, Ordering::Relaxed);
    }
    match end_of_cell {
        End::Completed => {
            outbox.push(Step::Say(InterpreterMessage {
                kind: InterpreterMessageKind::Control,
                text: "completed".into(),
                ..InterpreterMessage::default()
            }));
            outbox.close(COMPLETED, "").await;
        }
        // Without a control message: one SDK would take it for success.
        End::TimedOut { .. } => outbox.close(TIMED_OUT, "execution timed out").await,
        End::WorkerEnded(code) => {
            let reason = format!("the interpreter ended with exit code {code}; its variables are lost");
            outbox.close(WORKER_ENDED, reason).await;
        }
        End::Deleted => outbox.close(WORKER_ENDED, "the context was deleted").await,
    }
}

/// Ends a worker with everything it started.
async fn end(live: &Weak<Live>, worker: Option<Worker>) {
    if let (Some(worker), Some(live)) = (worker, live.upgrade())
        && let Err(error) = live.sandbox.end_tree(&[worker.pid], Duration::ZERO).await
    {
        tracing::debug!(%error, "an interpreter could not be ended");
    }
}
