//! Runs and their events. The driver of a run is the only one that changes it.

use crate::{Result, Store};
use model::{AgentId, EventKind, Language, Millis, Provider, RevisionId, Run, RunEvent, RunId};

/// What makes a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, made by the client.
    pub id: RunId,
    /// The agent it belongs to.
    pub agent: AgentId,
    /// The revision it executes.
    pub revision: RevisionId,
    /// Its language.
    pub language: Language,
    /// The file it runs.
    pub entrypoint: String,
    /// Arguments given to the program.
    pub args: Vec<String>,
    /// How long it may run, in seconds.
    pub timeout_seconds: u32,
    /// Where its sandbox will live.
    pub provider: Provider,
    /// When it was asked for.
    pub created_at: Millis,
}

/// An event that has no number yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Millis,
    /// How many bytes the log had then.
    pub offset: u64,
    /// What.
    pub kind: EventKind,
}

/// Where a run's program is found again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The provider's session.
    pub session: String,
    /// The provider's id of the command in it.
    pub command: String,
}

impl Store {
    /// Makes a run, queued, with the agent's next number; says whether it did. The same id again gives
    /// the run it made the first time.
    ///
    /// # Errors
    /// `Conflict` when the id is that of another agent's run or the agent has an unfinished run, which
    /// the sentence names; `NotFound` when there is no such agent or revision.
    pub async fn create_run(&self, new: &NewRun) -> Result<(Run, bool)> {
        todo!()
    }

    /// The run of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn run(&self, id: &RunId) -> Result<Run> {
        todo!()
    }

    /// Runs of one agent or of all, newest first, those asked for before run `before`. At most `limit`
    /// and at most 500.
    ///
    /// # Errors
    /// `NotFound` when `before` names no run.
    pub async fn list_runs(
        &self,
        agent: Option<&AgentId>,
        before: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<Run>> {
        todo!()
    }

    /// All runs that have not ended, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn unfinished_runs(&self) -> Result<Vec<Run>> {
        todo!()
    }

    /// Writes what changes of a run: all but its id, agent, revision, number and what it was started
    /// with. Only for its driver.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn save_run(&self, run: &Run) -> Result<()> {
        todo!()
    }

    /// Writes where the run's program is found again.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn save_attachment(&self, id: &RunId, attachment: &Attachment) -> Result<()> {
        todo!()
    }

    /// Where the run's program is found again; none before it was started.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn attachment(&self, id: &RunId) -> Result<Option<Attachment>> {
        todo!()
    }

    /// Appends events, and gives them with their numbers.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn append_events(&self, id: &RunId, events: &[NewEvent]) -> Result<Vec<RunEvent>> {
        todo!()
    }

    /// Events after number `seq`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn events_after(&self, id: &RunId, seq: i64, limit: u32) -> Result<Vec<RunEvent>> {
        todo!()
    }
}
