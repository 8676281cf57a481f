//! The way in: start, stop, write to and follow runs.

use crate::{
    Follower, Notice, RunsConfig, RunsError,
    driver::{After, Context},
    interpreters::{self, Known},
    launch::{New, spawn},
    live::{Hub, LiveRun, Request},
    masking::MaskBook,
    once::Once,
    queue::{self, Queue},
    reading::LogReader,
    reaper, recovery,
    replicas::{self, Bell, Lease},
    rounds::Rounds,
    sandboxes::Sandboxes,
    schedules, usage,
    vault::Vault,
    webhooks,
};
use model::{
    Agent, AgentId, Cursor, Invalid, LogFrame, Run, RunId, SandboxRecord, Trigger, UserId, time::byte_words,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::{Asked, Hold, NewRun, Store};
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The most that all arguments of a run may have together, in bytes.
const MAX_ARGS_BYTES: usize = 64 * 1024;
/// The most that is written to a program's standard input at once, in bytes.
const MAX_INPUT_BYTES: usize = 1 << 20;
/// The most bytes [`Runs::log_bytes`] gives at once: what is held for a reader that does not take it.
const MAX_LOG_BYTES: u64 = 256 << 10;
/// The most bytes of output [`Runs::log_range`] gives at once.
const MAX_RANGE_BYTES: u64 = 256 << 10;
/// How long somebody who asks the reaper to look waits for it.
const LOOK: Duration = Duration::from_secs(10);
/// How long storing what is left may take at a shutdown.
const SHUTDOWN: Duration = Duration::from_millis(2000);
/// How long telling the database may take that this server ends.
const LEAVING: Duration = Duration::from_millis(500);

/// A request to run an agent.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// Made by who asks, so that asking twice is one run.
    pub id: RunId,
    /// What to run.
    pub agent: AgentId,
    /// Arguments for the program.
    pub args: Vec<String>,
    /// How long it may run, in seconds; none for what the agent's settings say.
    pub timeout_seconds: Option<u32>,
    /// Whether to make a new sandbox even when a live one stands.
    pub fresh: bool,
    /// Whose share of the places it takes; none for the agent's owner.
    pub person: Option<UserId>,
    /// What starts it.
    pub trigger: Trigger,
    /// Whether it is the studio's, which runs an agent once at a time: refused while another of those
    /// goes on.
    pub in_studio: bool,
}

/// The sandbox of an agent that stands between two runs, or is used by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSandbox {
    /// Its row.
    pub record: SandboxRecord,
    /// Whether the agent's saved files are in it as they are.
    pub synced: bool,
}

/// Where a run is driven.
pub(crate) enum Place {
    Here(Arc<LiveRun>),
    /// By another server on the same database, or by one that is gone, until another has taken it over.
    Away,
    /// Nowhere any more: it has ended.
    Over,
}

/// Everything about runs. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    pub(crate) context: Arc<Context>,
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runs")
            .field("config", &self.context.config)
            .finish_non_exhaustive()
    }
}

impl Runs {
    /// Takes up what an earlier process left, and starts the reaper.
    ///
    /// # Errors
    /// When the database cannot be read, or is one for a single server and has one already, or there is
    /// no key for secrets.
    pub async fn open(config: RunsConfig, store: Store, client: daytona::Client) -> Result<Self, RunsError> {
        let serving = store.serve().await?;
        let tasks = TaskTracker::new();
        let replica = replicas::replica(&config);
        let sandboxes = Sandboxes::new(
            config.clone(),
            store.clone(),
            replica.clone(),
            client.clone(),
            tasks.clone(),
        );
        let context = Arc::new(Context {
            queue: Queue::new(queue::Limits {
                places: config.concurrency,
                of_one_person: config.concurrency_per_person,
                waiting: config.waiting,
            }),
            masks: MaskBook::new(config.own_secrets.clone()),
            vault: match &config.vault {
                Some(vault) => vault.clone(),
                None => Vault::temporary()?,
            },
            config,
            store,
            bell: Arc::new(Bell::new(&replica.id)),
            replica,
            client,
            hub: Hub::default(),
            sandboxes: Arc::new(sandboxes),
            rounds: Rounds::default(),
            interpreters: Known::default(),
            tasks,
            shutdown: CancellationToken::new(),
            serving: Mutex::new(Some(serving)),
        });
        let left = replicas::register(&context).await?;
        context
            .store
            .forget_half_made_interpreters(&context.replica)
            .await?;
        recovery::take_up(&context, left, After::Restart).await?;
        context.tasks.spawn(replicas::keep(Arc::clone(&context)));
        context.tasks.spawn(reaper::reap(Arc::clone(&context)));
        context.tasks.spawn(usage::watch(Arc::clone(&context)));
        context
            .tasks
            .spawn(interpreters::end_unused(Arc::clone(&context)));
        let runs = Self { context };
        runs.context
            .tasks
            .spawn(webhooks::keep(Arc::clone(&runs.context)));
        let keeping = schedules::keep(runs.clone());
        runs.context.tasks.spawn(keeping);
        Ok(runs)
    }

    /// Starts a run of the agent's files as they are saved now. The same id
    /// again returns the same run.
    ///
    /// # Errors
    /// When it is the studio's and another such run of the agent is under way, there is nothing to run,
    /// as many runs wait as can, or the database fails.
    pub async fn start(&self, request: StartRun) -> Result<Run, RunsError> {
        self.begin(request, None).await
    }

    /// Starts a run, of the saved files or of what it is given for once.
    pub(crate) async fn begin(&self, request: StartRun, once: Option<Once>) -> Result<Run, RunsError> {
        let context = &self.context;
        if context.shutdown.is_cancelled() {
            return Err(RunsError::ShuttingDown);
        }
        let mut agent = context.store.agent(&request.agent).await?;
        if let Some(once) = &once {
            agent.settings = once.settings(agent.settings);
        }
        let timeout_seconds = check(&request, &agent, context.config.max_timeout_seconds)?;
        if let Err(refused) = self.check_budget(&agent.team).await {
            return match context.store.run(&request.id).await {
                // Started before the budget was used up: still the same run.
                Ok(run) if run.agent == request.agent => Ok(run),
                _ => Err(refused),
            };
        }
        let (revision, found) = self.revision_for(&agent, once.as_ref()).await?;
        let entrypoint = match found {
            Ok(entrypoint) => entrypoint,
            // Started before, and its file was deleted since: still the same run.
            Err(invalid) => match context.store.run(&request.id).await {
                Ok(run) if run.agent == request.agent => return Ok(run),
                _ => return Err(invalid.into()),
            },
        };
        let new = NewRun {
            id: request.id,
            agent: agent.id,
            revision: revision.id.clone(),
            language: agent.settings.language,
            entrypoint: entrypoint.into(),
            args: request.args,
            timeout_seconds,
            provider: context.config.provider,
            trigger: request.trigger,
            created_at: model::Millis::now(),
            in_studio: request.in_studio,
            person: request.person.clone().unwrap_or_else(|| agent.owner.clone()),
        };
        // From here on the run exists; a caller that gives up must not keep it from being driven.
        let context = Arc::clone(context);
        let (watch, id) = (context.config.watch.clone(), new.id.clone());
        watch.tell(Notice::Asked(&id));
        let started = tokio::spawn(store::carried(async move {
            let ticket = match context.queue.join(&new.person, &new.agent) {
                Ok(ticket) => ticket,
                // Started before: still the same run.
                Err(busy) => match context.store.run(&new.id).await {
                    Ok(run) if run.agent == new.agent => return Ok((run, false)),
                    _ => return Err(busy),
                },
            };
            let (run, created) = context.store.create_run(&new, &context.replica).await?;
            if !created {
                return Ok((run, false));
            }
            let new = New {
                revision,
                fresh: request.fresh,
                ticket,
                once,
            };
            let lease = Lease::new(Hold::first(&run.id));
            Ok((spawn(&context, lease, run, agent.settings, Ok(new)), true))
        }));
        let started = started.await.unwrap_or_else(|error| {
            Err(RunsError::Conflict(format!(
                "The start ended badly: {error}. Try again."
            )))
        });
        if !matches!(started, Ok((_, true))) {
            watch.tell(Notice::NotStarted(&id));
        }
        Ok(started?.0)
    }

    /// Asks a run to end. Returns at once; the run tells when it has.
    ///
    /// # Errors
    /// When there is no such run. A run that has ended is no error.
    pub async fn stop(&self, run: &RunId) -> Result<(), RunsError> {
        let at = Instant::now();
        match self.find(run).await?.1 {
            Place::Here(live) => {
                // A driver that is gone has ended the run.
                let _ = live.requests.send(Request::Stop { at });
                Ok(())
            }
            Place::Away => replicas::ask(&self.context.store, &self.context.bell, run, Asked::Stop).await,
            Place::Over => Ok(()),
        }
    }

    /// Writes to the program's standard input, and closes it after when `eof` is set.
    ///
    /// # Errors
    /// When the program does not run, or the provider refuses.
    pub async fn input(&self, run: &RunId, bytes: Vec<u8>, eof: bool) -> Result<(), RunsError> {
        if bytes.len() > MAX_INPUT_BYTES {
            let most = byte_words(u64::try_from(MAX_INPUT_BYTES).unwrap_or(u64::MAX));
            return Err(Invalid(format!("At most {most} can be written at once.")).into());
        }
        let ended = || RunsError::NotRunning("The program has ended.".to_owned());
        let live = match self.find(run).await?.1 {
            Place::Here(live) => live,
            Place::Away => {
                let asked = Asked::Input { bytes, eof };
                return replicas::ask(&self.context.store, &self.context.bell, run, asked).await;
            }
            Place::Over => return Err(ended()),
        };
        let (reply, answer) = oneshot::channel();
        live.requests
            .send(Request::Input { bytes, eof, reply })
            .map_err(|_| ended())?;
        match answer.await {
            Ok(result) => result.map_err(RunsError::NotRunning),
            Err(_) => Err(ended()),
        }
    }

    /// Follows a run from `cursor`, whether it is under way or has ended.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn follow(&self, run: &RunId, cursor: Cursor) -> Result<Follower, RunsError> {
        let (found, place) = self.find(run).await?;
        let mut follower = Follower::new(Arc::clone(&self.context), &found.id, cursor);
        match place {
            Place::Here(live) => follower.is_here(live),
            Place::Away => {}
            Place::Over => {
                let end = self.context.store.log_end(&found.id).await?;
                follower.is_over(found, end);
            }
        }
        Ok(follower)
    }

    /// The run, and where it is driven.
    pub(crate) async fn find(&self, id: &RunId) -> Result<(Run, Place), RunsError> {
        let context = &self.context;
        // Between its row and its driver, and between its driver's end and ours, there is a moment.
        for _ in 0..100 {
            if let Some(live) = self.context.hub.get(id) {
                let run = live.state().run.clone();
                return Ok((run, Place::Here(live)));
            }
            let run = self.context.store.run(id).await?;
            if run.state.is_end() {
                return Ok((run, Place::Over));
            }
            if context.store.is_shared()
                && context.store.holder_of(id).await?.as_ref() != Some(&context.replica.id)
            {
                return Ok((run, Place::Away));
            }
            if self.context.shutdown.is_cancelled() {
                return Err(RunsError::ShuttingDown);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(RunsError::NotRunning(
            "This run is not under way in this process. Restart Pitlane to have it taken up.".to_owned(),
        ))
    }

    /// To be called after a file of the agent was saved, renamed or deleted:
    /// its live sandbox has the change within a second.
    pub fn files_changed(&self, agent: &AgentId) {
        self.context.sandboxes.files_changed(agent);
    }

    /// The agent's live sandbox, if one stands.
    pub async fn live_sandbox(&self, agent: &AgentId) -> Option<LiveSandbox> {
        match self.context.sandboxes.live(agent).await {
            Ok(live) => live,
            Err(error) => {
                tracing::warn!(%agent, %error, "whether a sandbox stands cannot be read");
                None
            }
        }
    }

    /// Deletes the agent's live sandbox, and confirms that it is gone.
    ///
    /// # Errors
    /// When a run uses it, or the provider does not confirm.
    pub async fn discard_sandbox(&self, agent: &AgentId) -> Result<(), RunsError> {
        let discarded = self.context.sandboxes.discard(agent).await;
        // The provider's own words.
        discarded.map_err(|error| match error {
            RunsError::Provider(words) => {
                RunsError::Provider(self.context.masks.own().mask(&words).into_owned())
            }
            other => other,
        })
    }

    /// Has the reaper compare provider and ledger now, and waits for it, but not for ever: what takes
    /// longer goes on by itself.
    ///
    /// # Errors
    /// When the process is shutting down.
    pub async fn look_again(&self) -> Result<(), RunsError> {
        tokio::select! {
            looked = tokio::time::timeout(LOOK, self.context.rounds.look_again()) => {
                drop(looked);
                Ok(())
            }
            () = self.context.shutdown.cancelled() => Err(RunsError::ShuttingDown),
        }
    }

    /// The bytes of a log from offset `from` up to, not including, `to`.
    /// What was not kept is left out. At most 256 KiB are returned at once: the
    /// second value is the offset to go on from, none at the end.
    ///
    /// # Errors
    /// When there is no such run or the database fails.
    pub async fn log_bytes(
        &self,
        run: &RunId,
        from: u64,
        to: u64,
    ) -> Result<(Vec<u8>, Option<u64>), RunsError> {
        let most = to.min(from.saturating_add(MAX_LOG_BYTES));
        let (frames, next) = self.frames(run, from, most).await?;
        let bytes = frames.iter().flat_map(LogFrame::bytes).collect();
        Ok((bytes, next.filter(|next| *next < to)))
    }

    /// The frames of a log that hold the bytes `from..to`; at most 256 KiB
    /// of them at once.
    ///
    /// # Errors
    /// When there is no such run or the database fails.
    pub async fn log_range(&self, run: &RunId, from: u64, to: u64) -> Result<Vec<LogFrame>, RunsError> {
        let most = to.min(from.saturating_add(MAX_RANGE_BYTES));
        Ok(self.frames(run, from, most).await?.0)
    }

    /// Frames of `from..to`, and where the log goes on after them.
    async fn frames(
        &self,
        run: &RunId,
        from: u64,
        to: u64,
    ) -> Result<(Vec<LogFrame>, Option<u64>), RunsError> {
        let (run, place) = self.find(run).await?;
        let live = match place {
            Place::Here(live) => Some(live),
            Place::Away | Place::Over => None,
        };
        let reader = LogReader {
            run: run.id,
            store: self.context.store.clone(),
            live,
        };
        let mut frames = Vec::new();
        let mut next = from;
        while next < to {
            match reader.read(next, to - next).await? {
                Some(piece) => {
                    next = piece.next;
                    frames.extend(piece.frames);
                }
                None => return Ok((frames, None)),
            }
        }
        Ok((frames, Some(next)))
    }

    /// Stops driving: what is in memory is stored, readers are ended, and runs
    /// are left to be taken up by the next process. Takes 3 seconds at most.
    pub async fn shutdown(&self) {
        self.context.shutdown.cancel();
        self.context.tasks.close();
        if tokio::time::timeout(SHUTDOWN, self.context.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "not everything was stored within {SHUTDOWN:?}; the next start takes up what is left"
            );
        }
        // Now others may have what is left, without waiting for the end of the lease.
        let context = &self.context;
        match tokio::time::timeout(LEAVING, context.store.leave_server(&context.replica)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "other servers wait for the end of the lease"),
            Err(_) => tracing::warn!("other servers wait for the end of the lease"),
        }
        let mut serving = context.serving.lock().unwrap_or_else(PoisonError::into_inner);
        drop(serving.take());
    }
}

/// Checks what a run is started with; gives its time in seconds.
fn check(request: &StartRun, agent: &Agent, most: u32) -> Result<u32, Invalid> {
    let usual = agent.settings.timeout_seconds.min(most);
    let seconds = request.timeout_seconds.unwrap_or(usual);
    if !(1..=most).contains(&seconds) {
        return Err(Invalid(format!(
            "A run may take 1 to {most} seconds, not {seconds}. The operator sets the limit."
        )));
    }
    if request.args.iter().any(|argument| argument.contains('\0')) {
        return Err(Invalid(
            "An argument holds a NUL, which no program can be given.".to_owned(),
        ));
    }
    let size: usize = request.args.iter().map(String::len).sum();
    if size > MAX_ARGS_BYTES {
        return Err(Invalid(format!(
            "The arguments have {size} bytes together, and {MAX_ARGS_BYTES} is the limit."
        )));
    }
    Ok(seconds)
}
