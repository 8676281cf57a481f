//! A run: one execution of a revision.

use crate::{
    AgentId, Language, Millis, PhaseRecord, Provider, RevisionId, RunId, RunState, Trigger,
    time::duration_words,
};
use serde::{Deserialize, Serialize};

/// How long a run may take when nothing else is said, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 300;
/// The longest a run may take, in seconds (a day).
pub const MAX_TIMEOUT_SECONDS: u32 = 86_400;

/// What is known of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Run {
    /// Its id, made by the client that started it.
    pub id: RunId,
    /// The agent it belongs to.
    pub agent: AgentId,
    /// The revision it executes.
    pub revision: RevisionId,
    /// Counts the agent's runs from 1.
    pub number: i64,
    /// What started it.
    #[serde(default)]
    pub trigger: Trigger,
    /// Where it stands.
    pub state: RunState,
    /// Why it ended as it did, or what it waits for, as one sentence.
    pub reason: Option<String>,
    /// Its language.
    pub language: Language,
    /// The file it runs.
    pub entrypoint: String,
    /// Arguments given to the program.
    pub args: Vec<String>,
    /// How long it may run, in seconds.
    pub timeout_seconds: u32,
    /// The program's exit code, once it is known. Ended by a signal: 128 + its number.
    pub exit_code: Option<i32>,
    /// Where its sandbox lives.
    pub provider: Provider,
    /// The provider's id of its sandbox, once there is one.
    pub sandbox: Option<String>,
    /// The phases begun so far, in order.
    pub phases: Vec<PhaseRecord>,
    /// Bytes of its log so far.
    pub log_bytes: u64,
    /// Lines of its log so far (line breaks).
    pub log_lines: u64,
    /// When it was asked for.
    pub created_at: Millis,
    /// When its program began.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// How its processes were ended, when it was stopped or timed out.
    pub stop: Option<StopProof>,
}

/// The proof that a stopped run is dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StopProof {
    /// From the request to the last process gone, in milliseconds.
    pub took: u64,
    /// How many processes were ended; none where the provider does not say.
    pub ended: Option<u32>,
    /// How many were found alive afterwards; anything but 0 is an error.
    pub left: u32,
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// Counts the agent's runs from 1.
    pub number: i64,
    /// Where it stands.
    pub state: RunState,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// When it was asked for.
    pub created_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

impl Run {
    /// The summary of it.
    #[must_use]
    pub fn summary(&self) -> RunSummary {
        RunSummary {
            id: self.id.clone(),
            number: self.number,
            state: self.state,
            exit_code: self.exit_code,
            created_at: self.created_at,
            ended_at: self.ended_at,
        }
    }
}

impl RunSummary {
    /// The state in a few words: `Running`, `Failed, code 1`, `Succeeded in 1.8 s`.
    #[must_use]
    pub fn words(&self) -> String {
        let took = self
            .ended_at
            .map(|end| duration_words(end.since(self.created_at)));
        match (self.state, took) {
            (RunState::Queued, _) => "Queued".to_owned(),
            (RunState::Preparing, _) => "Preparing".to_owned(),
            (RunState::Running, _) => "Running".to_owned(),
            (RunState::Finishing, _) => "Cleaning up".to_owned(),
            (RunState::Succeeded, Some(took)) => format!("Succeeded in {took}"),
            (RunState::Succeeded, None) => "Succeeded".to_owned(),
            (RunState::Failed, _) => match self.exit_code {
                Some(code) => format!("Failed, code {code}"),
                None => "Failed".to_owned(),
            },
            (RunState::TimedOut, Some(took)) => format!("Timed out after {took}"),
            (RunState::TimedOut, None) => "Timed out".to_owned(),
            (RunState::Stopped, _) => "Stopped".to_owned(),
            (RunState::Lost, _) => "Lost".to_owned(),
        }
    }
}
