//! The way in: start, stop, write to and follow runs.

use crate::{Follower, RunsConfig, RunsError};
use model::{AgentId, Cursor, LogFrame, Run, RunId, SandboxRecord};
use store::Store;

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
}

/// The sandbox of an agent that stands between two runs, or is used by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSandbox {
    /// Its row.
    pub record: SandboxRecord,
    /// Whether the agent's saved files are in it as they are.
    pub synced: bool,
}

/// Everything about runs. Cheap to clone.
#[derive(Clone)]
pub struct Runs;

impl Runs {
    /// Takes up what an earlier process left, and starts the reaper.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open(
        _config: RunsConfig,
        _store: Store,
        _client: daytona::Client,
    ) -> Result<Self, RunsError> {
        Ok(Self)
    }

    /// Starts a run of the agent's files as they are saved now. The same id
    /// again returns the same run.
    ///
    /// # Errors
    /// When another run of the agent is under way, there is nothing to run, or
    /// the database fails.
    pub async fn start(&self, request: StartRun) -> Result<Run, RunsError> {
        Err(RunsError::no_run(&request.id))
    }

    /// Asks a run to end. Returns at once; the run tells when it has.
    ///
    /// # Errors
    /// When there is no such run. A run that has ended is no error.
    pub async fn stop(&self, run: &RunId) -> Result<(), RunsError> {
        Err(RunsError::no_run(run))
    }

    /// Writes to the program's standard input, and closes it after when `eof` is set.
    ///
    /// # Errors
    /// When the program does not run, or the provider refuses.
    pub async fn input(&self, run: &RunId, _bytes: Vec<u8>, _eof: bool) -> Result<(), RunsError> {
        Err(RunsError::no_run(run))
    }

    /// Follows a run from `cursor`, whether it is under way or has ended.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn follow(&self, run: &RunId, _cursor: Cursor) -> Result<Follower, RunsError> {
        Err(RunsError::no_run(run))
    }

    /// To be called after a file of the agent was saved, renamed or deleted:
    /// its live sandbox has the change within a second.
    pub fn files_changed(&self, _agent: &AgentId) {}

    /// The agent's live sandbox, if one stands.
    pub async fn live_sandbox(&self, _agent: &AgentId) -> Option<LiveSandbox> {
        None
    }

    /// Deletes the agent's live sandbox, and confirms that it is gone.
    ///
    /// # Errors
    /// When a run uses it, or the provider does not confirm.
    pub async fn discard_sandbox(&self, _agent: &AgentId) -> Result<(), RunsError> {
        Ok(())
    }

    /// The bytes of a log from offset `from` up to, not including, `to`.
    /// What was not kept is left out. At most 4 MiB are returned at once: the
    /// second value is the offset to go on from, none at the end.
    ///
    /// # Errors
    /// When there is no such run or the database fails.
    pub async fn log_bytes(
        &self,
        run: &RunId,
        _from: u64,
        _to: u64,
    ) -> Result<(Vec<u8>, Option<u64>), RunsError> {
        Err(RunsError::no_run(run))
    }

    /// The frames of a log that hold the bytes `from..to`; at most 1 MiB of
    /// them at once.
    ///
    /// # Errors
    /// When there is no such run or the database fails.
    pub async fn log_range(&self, run: &RunId, _from: u64, _to: u64) -> Result<Vec<LogFrame>, RunsError> {
        Err(RunsError::no_run(run))
    }

    /// Stops driving: what is in memory is stored, readers are ended, and runs
    /// are left to be taken up by the next process. Takes 5 seconds at most.
    pub async fn shutdown(&self) {}
}
