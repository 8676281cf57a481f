//! Interpreters. A row is written before its sandbox is asked for, and says
//! that the sandbox is wanted: once it is gone, the sandbox is cleaned up.

use crate::{
    Replica, Result, Store, StoreError, agents, stored,
    value::{Value, values},
};
use model::{AgentId, Interpreter, InterpreterId, Millis, SandboxId, UserId};

/// What makes an interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInterpreter {
    /// Its id.
    pub id: InterpreterId,
    /// Whose files and variables it has.
    pub agent: AgentId,
    /// Who asked for it.
    pub person: UserId,
    /// The row that its sandbox will have.
    pub sandbox: SandboxId,
    /// When it is made.
    pub created_at: Millis,
    /// When it ends, if nobody uses it until then.
    pub expires_at: Millis,
}

/// How many there may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterpreterLimits {
    /// Of one person.
    pub of_one_person: u32,
    /// Of one team.
    pub of_one_team: u32,
}

/// Whether an interpreter could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It was.
    Admitted,
    /// The person has so many already.
    TooManyOfPerson(u64),
    /// The team has so many already.
    TooManyOfTeam(u64),
}

/// Where an interpreter is found at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterpreterPlace {
    /// It.
    pub interpreter: Interpreter,
    /// The row of its sandbox.
    pub sandbox: SandboxId,
    /// The provider's id of its sandbox; none while that is made.
    pub provider_id: Option<String>,
    /// The provider's name of its context; none until it is ready.
    pub context: Option<String>,
    /// What is masked in what it says, sealed.
    pub masked: Option<String>,
}

macro_rules! columns {
    () => {
        "i.id, i.agent_id, i.sandbox_id, s.provider_id, i.context, i.masked, i.cells, i.created_at,
         i.used_at, i.expires_at"
    };
}

/// A row counts as long as its sandbox is wanted: one that somebody deletes by hand ends it too.
macro_rules! wanted {
    () => {
        " from interpreters i left join sandboxes s on s.id = i.sandbox_id
         where (s.state is null or s.state in ('intended', 'in_use'))"
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    agent_id: String,
    sandbox_id: String,
    provider_id: Option<String>,
    context: Option<String>,
    masked: Option<String>,
    cells: i64,
    created_at: i64,
    used_at: i64,
    expires_at: i64,
}

impl Row {
    fn read(self) -> Result<InterpreterPlace> {
        Ok(InterpreterPlace {
            interpreter: Interpreter {
                id: stored::text("the id of an interpreter", self.id)?,
                agent: stored::text("the id of an agent", self.agent_id)?,
                sandbox: self.provider_id.clone(),
                cells: stored::size(self.cells),
                created_at: Millis(self.created_at),
                used_at: Millis(self.used_at),
                expires_at: Millis(self.expires_at),
            },
            sandbox: stored::text("the id of a sandbox", self.sandbox_id)?,
            provider_id: self.provider_id,
            context: self.context,
            masked: self.masked,
        })
    }
}

impl Store {
    /// Writes the row of an interpreter that is about to be made by this server, unless its person or
    /// its team has as many as it may.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent or account.
    pub async fn open_interpreter(
        &self,
        new: &NewInterpreter,
        limits: InterpreterLimits,
        server: &Replica,
    ) -> Result<Admission> {
        let mut session = self.writer().await?;
        // Both counts hold until this is written: SQLite has one writer, PostgreSQL this lock.
        if session.is_postgres() {
            session
                .execute("lock table interpreters in share row exclusive mode", &[])
                .await?;
        }
        let (of_person,): (i64,) = session
            .one(
                concat!("select count(*)", wanted!(), " and i.user_id = $1"),
                values![&new.person],
            )
            .await?;
        if stored::size(of_person) >= u64::from(limits.of_one_person) {
            return Ok(Admission::TooManyOfPerson(stored::size(of_person)));
        }
        let (of_team,): (i64,) = session
            .one(
                concat!(
                    "select count(*)",
                    wanted!(),
                    " and i.agent_id in (select a.id from agents a join agents own on own.team_id = a.team_id
                      where own.id = $1)"
                ),
                values![&new.agent],
            )
            .await?;
        if stored::size(of_team) >= u64::from(limits.of_one_team) {
            return Ok(Admission::TooManyOfTeam(stored::size(of_team)));
        }
        session
            .execute(
                "insert into interpreters (id, agent_id, user_id, sandbox_id, maker, created_at, used_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $6, $7)",
                values![
                    &new.id,
                    &new.agent,
                    &new.person,
                    &new.sandbox,
                    &server.name,
                    new.created_at,
                    new.expires_at
                ],
            )
            .await
            .map_err(|error| error.or_if_missing(|| agents::missing(&new.agent)))?;
        session.commit().await?;
        Ok(Admission::Admitted)
    }

    /// Notes that an interpreter is ready, and where. False when it has ended meanwhile.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn interpreter_ready(&self, id: &InterpreterId, context: &str, masked: &str) -> Result<bool> {
        let mut session = self.writer().await?;
        let noted = session
            .execute(
                "update interpreters set context = $2, masked = $3, maker = null where id = $1",
                values![id, context, masked],
            )
            .await?;
        session.commit().await?;
        Ok(noted == 1)
    }

    /// An interpreter of an agent, and where it is.
    ///
    /// # Errors
    /// `NotFound` when the agent has none of this id, or it has ended.
    pub async fn interpreter(&self, agent: &AgentId, id: &InterpreterId) -> Result<InterpreterPlace> {
        let found = self
            .find_interpreters(
                concat!(
                    "select ",
                    columns!(),
                    wanted!(),
                    " and i.id = $1 and i.agent_id = $2"
                ),
                values![id, agent],
            )
            .await?;
        found.into_iter().next().ok_or_else(|| missing(id))
    }

    /// An agent's interpreters, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_interpreters(&self, agent: &AgentId) -> Result<Vec<Interpreter>> {
        let found = self
            .find_interpreters(
                concat!(
                    "select ",
                    columns!(),
                    wanted!(),
                    " and i.agent_id = $1 order by i.created_at, i.id"
                ),
                values![agent],
            )
            .await?;
        Ok(found.into_iter().map(|place| place.interpreter).collect())
    }

    /// Interpreters whose time is over, of the provider that this server uses.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn expired_interpreters(&self, now: Millis, server: &Replica) -> Result<Vec<InterpreterPlace>> {
        self.find_interpreters(
            concat!(
                "select ",
                columns!(),
                " from interpreters i left join sandboxes s on s.id = i.sandbox_id
                 where i.expires_at <= $1 and (s.instance is null or s.instance = $2)
                 order by i.expires_at, i.id"
            ),
            values![now, &server.instance],
        )
        .await
    }

    /// Puts the end of an interpreter off; `cells` more pieces of code were given to it.
    ///
    /// # Errors
    /// `NotFound` when it has ended.
    pub async fn use_interpreter(
        &self,
        id: &InterpreterId,
        cells: u32,
        now: Millis,
        expires_at: Millis,
    ) -> Result<()> {
        let mut session = self.writer().await?;
        let used = session
            .execute(
                "update interpreters set cells = cells + $2, used_at = $3, expires_at = $4 where id = $1",
                values![id, cells, now, expires_at],
            )
            .await?;
        if used == 0 {
            return Err(missing(id));
        }
        session.commit().await
    }

    /// Ends an interpreter; one that was used since it was found expired at `unused_until` stays. False
    /// when it has ended before, or stays.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn end_interpreter(&self, id: &InterpreterId, unused_until: Option<Millis>) -> Result<bool> {
        let latest = unused_until.unwrap_or(Millis(i64::MAX));
        let mut session = self.writer().await?;
        let ended = session
            .execute(
                "delete from interpreters where id = $1 and expires_at <= $2",
                values![id, latest],
            )
            .await?;
        session.commit().await?;
        Ok(ended == 1)
    }

    /// Forgets those that this server was making when it ended before.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_half_made_interpreters(&self, server: &Replica) -> Result<u64> {
        let mut session = self.writer().await?;
        let forgotten = session
            .execute("delete from interpreters where maker = $1", values![&server.name])
            .await?;
        session.commit().await?;
        Ok(forgotten)
    }

    /// Whether a sandbox is that of an interpreter.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn has_interpreter(&self, sandbox: &SandboxId) -> Result<bool> {
        let found: Option<(String,)> = self
            .reader()
            .await?
            .optional(
                "select id from interpreters where sandbox_id = $1",
                values![sandbox],
            )
            .await?;
        Ok(found.is_some())
    }

    async fn find_interpreters(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<InterpreterPlace>> {
        let rows: Vec<Row> = self.reader().await?.all(sql, values).await?;
        rows.into_iter().map(Row::read).collect()
    }
}

fn missing(id: &InterpreterId) -> StoreError {
    StoreError::NotFound(format!(
        "There is no interpreter {id} of this agent. Those that nobody uses end by themselves; make another."
    ))
}
