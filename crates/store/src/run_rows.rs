//! Runs as rows.

use crate::{Result, session::Session, stored, value::values};
use model::{Language, Millis, Provider, Run, RunId, RunState, Trigger, TriggerKind};

/// The columns a run is read from.
macro_rules! run_columns {
    () => {
        "id, agent_id, revision_id, number, state, reason, language, entrypoint, args, timeout_seconds,
         exit_code, provider, sandbox, phases, log_bytes, log_lines, created_at, started_at, ended_at, stop,
         trigger_kind, trigger_id, trigger_name"
    };
}
pub(crate) use run_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct RunRow {
    id: String,
    agent_id: String,
    revision_id: String,
    number: i64,
    state: String,
    reason: Option<String>,
    language: String,
    entrypoint: String,
    args: String,
    timeout_seconds: i64,
    exit_code: Option<i64>,
    provider: String,
    sandbox: Option<String>,
    phases: String,
    log_bytes: i64,
    log_lines: i64,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    stop: Option<String>,
    trigger_kind: String,
    trigger_id: Option<String>,
    trigger_name: Option<String>,
}

impl RunRow {
    pub(crate) fn read(self) -> Result<Run> {
        Ok(Run {
            id: stored::text("the id of a run", self.id)?,
            agent: stored::text("the id of an agent", self.agent_id)?,
            revision: stored::text("the id of a revision", self.revision_id)?,
            number: self.number,
            trigger: Trigger {
                kind: stored::word("what started a run", &self.trigger_kind, TriggerKind::parse)?,
                id: self.trigger_id,
                name: self.trigger_name,
            },
            state: stored::word("the state of a run", &self.state, RunState::parse)?,
            reason: self.reason,
            language: stored::word("a language", &self.language, |word| Language::parse(word).ok())?,
            entrypoint: self.entrypoint,
            args: stored::json("arguments", &self.args)?,
            timeout_seconds: stored::count(self.timeout_seconds),
            exit_code: stored::exit_code(self.exit_code),
            provider: stored::word("a provider", &self.provider, Provider::parse)?,
            sandbox: self.sandbox,
            phases: stored::json("phases of a run", &self.phases)?,
            log_bytes: stored::size(self.log_bytes),
            log_lines: stored::size(self.log_lines),
            created_at: Millis(self.created_at),
            started_at: stored::time(self.started_at),
            ended_at: stored::time(self.ended_at),
            stop: self
                .stop
                .map(|stop| stored::json("the end of a stopped run", &stop))
                .transpose()?,
        })
    }
}

/// The run of this id, if there is one.
pub(crate) async fn find(session: &mut Session, id: &RunId) -> Result<Option<Run>> {
    let row: Option<RunRow> = session
        .optional(
            concat!("select ", run_columns!(), " from runs where id = $1"),
            values![id],
        )
        .await?;
    row.map(RunRow::read).transpose()
}
