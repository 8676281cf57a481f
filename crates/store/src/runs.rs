//! Runs. The driver of a run is the only one that changes it.

use crate::{
    Hold, Replica, Result, Store, StoreError, agents, revisions, run_events,
    run_rows::{RunRow, find, run_columns},
    session::Session,
    stored,
    value::values,
};
use model::{
    AgentId, Language, Millis, Provider, RevisionId, Run, RunEvent, RunId, RunState, TeamId, Trigger, UserId,
};

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
    /// What starts it.
    pub trigger: Trigger,
    /// When it was asked for.
    pub created_at: Millis,
    /// Whether it is the studio's, which runs an agent once at a time.
    pub in_studio: bool,
    /// Who asked for it: whose share of the places it takes, and who its cost is counted for.
    pub person: UserId,
}

/// Where a run's program is found again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The provider's session.
    pub session: String,
    /// Which of its commands, and where in the log its output begins: the driver's own form.
    pub command: String,
}

/// The most runs one list holds.
const MAX_LIST: u32 = 500;

impl Store {
    /// Makes a run, queued, with the agent's next number, for this server to drive; says whether it did.
    /// The same id again gives the run it made the first time.
    ///
    /// # Errors
    /// `Conflict` when the id is that of another agent's run, or it is the studio's and the studio has
    /// an unfinished run of the agent, which the sentence names; `NotFound` when there is no such agent
    /// or revision.
    pub async fn create_run(&self, new: &NewRun, server: &Replica) -> Result<(Run, bool)> {
        let mut session = self.writer().await?;
        agents::lock(&mut session, &new.agent).await?;
        if let Some(run) = find(&mut session, &new.id).await? {
            if run.agent != new.agent {
                return Err(taken(&new.id));
            }
            return Ok((run, false));
        }
        if new.in_studio {
            check_alone(&mut session, &new.agent).await?;
        }
        let (number,): (i64,) = session
            .one(
                "update agents set run_number = run_number + 1 where id = $1 returning run_number",
                values![&new.agent],
            )
            .await?;
        let run = queued(new, number);
        session
            .execute(
                "insert into runs (id, agent_id, revision_id, number, state, finished, language, entrypoint,
                 args, timeout_seconds, provider, phases, created_at, instance, holder, trigger_kind, trigger_id,
                 trigger_name, in_studio, person_id)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
                values![
                    &run.id,
                    &run.agent,
                    &run.revision,
                    number,
                    run.state.as_str(),
                    false,
                    run.language.as_str(),
                    &run.entrypoint,
                    &stored::to_json(&run.args),
                    run.timeout_seconds,
                    run.provider.as_str(),
                    &stored::to_json(&run.phases),
                    run.created_at,
                    &server.instance,
                    &server.id,
                    run.trigger.kind.as_str(),
                    run.trigger.id.as_deref(),
                    run.trigger.name.as_deref(),
                    new.in_studio,
                    &new.person,
                ],
            )
            .await
            .map_err(|error| {
                error
                    .or_if_missing(|| revisions::missing(&new.revision))
                    .or_if_taken(|| taken(&new.id))
            })?;
        crate::concerns("run", run.id.as_str(), &format!("run {number}"));
        crate::detail("agent", run.agent.as_str());
        session.commit().await?;
        Ok((run, true))
    }

    /// The run of this id, if it is one of this team's agents.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is another team's.
    pub async fn run_in(&self, team: &TeamId, id: &RunId) -> Result<Run> {
        let row: Option<RunRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    "select ",
                    run_columns!(),
                    " from runs where id = $1 and agent_id in (select id from agents where team_id = $2)"
                ),
                values![id, team],
            )
            .await?;
        row.ok_or_else(|| missing(id))?.read()
    }

    /// The run of this id, whatever its team: for what drives runs. Who answers people asks for
    /// [`Store::run_in`] their team.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn run(&self, id: &RunId) -> Result<Run> {
        find(&mut self.reader().await?, id)
            .await?
            .ok_or_else(|| missing(id))
    }

    /// Runs of one agent of a team or of all of them, newest first, those asked for before run
    /// `before`. At most `limit` and at most 500.
    ///
    /// # Errors
    /// `NotFound` when `before` names no run of the team.
    pub async fn list_runs(
        &self,
        team: &TeamId,
        agent: Option<&AgentId>,
        before: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<Run>> {
        let before = match before {
            Some(id) => Some(self.run_in(team, id).await?),
            None => None,
        };
        let mut session = self.reader().await?;
        let limit = limit.min(MAX_LIST);
        let rows: Vec<RunRow> = if let Some(agent) = agent {
            let number = before.map_or(i64::MAX, |run| run.number);
            session
                .all(
                    concat!(
                        "select ",
                        run_columns!(),
                        " from runs where agent_id = (select id from agents where id = $1 and team_id = $4)
                         and number < $2 order by number desc limit $3"
                    ),
                    values![agent, number, limit, team],
                )
                .await?
        } else {
            // Later than every time, and after every id.
            let (at, id) = before.map_or((i64::MAX, "~".to_owned()), |run| {
                (run.created_at.0, run.id.into())
            });
            session
                .all(
                    concat!(
                        "select ",
                        run_columns!(),
                        " from runs where (created_at, id) < ($1, $2)
                         and agent_id in (select id from agents where team_id = $4)
                         order by created_at desc, id desc limit $3"
                    ),
                    values![at, &id, limit, team],
                )
                .await?
        };
        rows.into_iter().map(RunRow::read).collect()
    }

    /// The newest run of an agent that the studio started.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn newest_studio_run(&self, agent: &AgentId) -> Result<Option<Run>> {
        let row: Option<RunRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    "select ",
                    run_columns!(),
                    " from runs where agent_id = $1 and in_studio = true order by number desc limit 1"
                ),
                values![agent],
            )
            .await?;
        row.map(RunRow::read).transpose()
    }

    /// All runs that have not ended, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn unfinished_runs(&self) -> Result<Vec<Run>> {
        let rows: Vec<RunRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    run_columns!(),
                    " from runs where finished = false order by created_at, id"
                ),
                &[],
            )
            .await?;
        rows.into_iter().map(RunRow::read).collect()
    }

    /// Writes what changes of a run: all but its id, agent, revision, number and what it was started
    /// with; and what happened to it, in the same moment. Only for its driver.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Conflict` when it has ended in another state: an end is
    /// final; `Fenced` when another server drives it.
    pub async fn save_run(&self, hold: &Hold, run: &Run, events: &[RunEvent]) -> Result<()> {
        let mut session = self.writer().await?;
        let saved = session
            .execute(
                "update runs set state = $2, finished = $3, reason = $4, exit_code = $5, sandbox = $6,
                 phases = $7, log_bytes = $8, log_lines = $9, started_at = $10, ended_at = $11, stop = $12
                 where id = $1 and fence = $13 and (finished = false or state = $2)",
                values![
                    &run.id,
                    run.state.as_str(),
                    run.state.is_end(),
                    run.reason.as_deref(),
                    run.exit_code,
                    run.sandbox.as_deref(),
                    &stored::to_json(&run.phases),
                    run.log_bytes,
                    run.log_lines,
                    run.started_at,
                    run.ended_at,
                    run.stop.as_ref().map(stored::to_json).as_deref(),
                    hold.fence,
                ],
            )
            .await?;
        if saved == 0 {
            session.check(hold).await?;
            let ended = find(&mut session, &run.id)
                .await?
                .ok_or_else(|| missing(&run.id))?;
            return Err(StoreError::Conflict(format!(
                "Run {} has ended as {}, and an end is final.",
                ended.number, ended.state
            )));
        }
        run_events::append(&mut session, &run.id, events).await?;
        if run.state.is_end() {
            session.announce_end(run).await?;
        }
        session.commit().await
    }

    /// Writes where the run's program is found again.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Fenced` when another server drives it.
    pub async fn save_attachment(&self, hold: &Hold, attachment: &Attachment) -> Result<()> {
        let mut session = self.writer().await?;
        let saved = session
            .execute(
                "update runs set session = $2, command = $3 where id = $1 and fence = $4",
                values![&hold.run, &attachment.session, &attachment.command, hold.fence],
            )
            .await?;
        if saved == 0 {
            session.check(hold).await?;
        }
        session.commit().await
    }

    /// Where the run's program is found again; none before it was started.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn attachment(&self, id: &RunId) -> Result<Option<Attachment>> {
        let row: Option<(Option<String>, Option<String>)> = self
            .reader()
            .await?
            .optional("select session, command from runs where id = $1", values![id])
            .await?;
        Ok(match row.ok_or_else(|| missing(id))? {
            (Some(session), Some(command)) => Some(Attachment { session, command }),
            _ => None,
        })
    }
}

/// Refuses when the studio has a run of the agent that goes on. The agent is locked already.
async fn check_alone(session: &mut Session, agent: &AgentId) -> Result<()> {
    let unfinished: Option<(i64, String)> = session
        .optional(
            "select number, state from runs where agent_id = $1 and finished = false and in_studio = true",
            values![agent],
        )
        .await?;
    match unfinished {
        None => Ok(()),
        Some((number, state)) => Err(StoreError::Conflict(format!(
            "Run {number} of this agent has not ended yet: it is {state}. Stop it or wait for its end, then start again."
        ))),
    }
}

/// The run as it is before anything happened to it.
fn queued(new: &NewRun, number: i64) -> Run {
    let new = new.clone();
    Run {
        id: new.id,
        agent: new.agent,
        revision: new.revision,
        number,
        trigger: new.trigger,
        state: RunState::Queued,
        reason: None,
        language: new.language,
        entrypoint: new.entrypoint,
        args: new.args,
        timeout_seconds: new.timeout_seconds,
        exit_code: None,
        provider: new.provider,
        sandbox: None,
        phases: Vec::new(),
        log_bytes: 0,
        log_lines: 0,
        created_at: new.created_at,
        started_at: None,
        ended_at: None,
        stop: None,
    }
}

pub(crate) fn missing(id: &RunId) -> StoreError {
    StoreError::NotFound(format!("There is no run {id}. Was its agent deleted?"))
}

fn taken(id: &RunId) -> StoreError {
    StoreError::Conflict(format!(
        "There is a run {id} of another agent already. Start this one with a new id."
    ))
}
