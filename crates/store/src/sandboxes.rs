//! The ledger of sandboxes: a row before the provider is asked, kept until the
//! provider confirms that the sandbox is gone, also when its agent is deleted.

use crate::{
    Hold, Replica, Result, Store, StoreError,
    session::Session,
    stored,
    usage_intervals::End,
    value::{Value, values},
};
use model::{
    AgentId, Millis, Provider, Resources, RunId, SandboxId, SandboxRecord, SandboxState, UsageState,
};

macro_rules! columns {
    () => {
        "id, provider, provider_id, agent_id, run_id, state, cpu, memory_gib, disk_gib,
         created_at, used_at, expires_at"
    };
}

#[derive(sqlx::FromRow)]
struct SandboxRow {
    id: String,
    provider: String,
    provider_id: Option<String>,
    agent_id: String,
    run_id: Option<String>,
    state: String,
    cpu: i64,
    memory_gib: i64,
    disk_gib: i64,
    created_at: i64,
    used_at: i64,
    expires_at: Option<i64>,
}

impl SandboxRow {
    fn read(self) -> Result<SandboxRecord> {
        Ok(SandboxRecord {
            id: stored::text("the id of a sandbox", self.id)?,
            provider: stored::word("a provider", &self.provider, Provider::parse)?,
            provider_id: self.provider_id,
            agent: stored::text("the id of an agent", self.agent_id)?,
            run: self
                .run_id
                .map(|id| stored::text("the id of a run", id))
                .transpose()?,
            state: stored::word("the state of a sandbox", &self.state, SandboxState::parse)?,
            resources: Resources {
                cpu: stored::count(self.cpu),
                memory_gib: stored::count(self.memory_gib),
                disk_gib: stored::count(self.disk_gib),
            },
            created_at: Millis(self.created_at),
            used_at: Millis(self.used_at),
            expires_at: stored::time(self.expires_at),
        })
    }
}

/// An idle sandbox that was taken for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Whether the same server put the files in last: else it cannot know which they are.
    pub filled_by_us: bool,
}

impl Store {
    /// Writes the row of a sandbox that the provider is about to be asked for: by a server, for a run
    /// that it holds.
    ///
    /// # Errors
    /// `Conflict` when its id exists, `Fenced` when another server drives the run.
    pub async fn intend_sandbox(
        &self,
        record: &SandboxRecord,
        server: &Replica,
        hold: Option<&Hold>,
    ) -> Result<()> {
        let mut session = self.writer().await?;
        if let Some(hold) = hold {
            session.check(hold).await?;
        }
        session
            .execute(
                concat!(
                    "insert into sandboxes (",
                    columns!(),
                    ", instance, filled_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
                ),
                values![
                    &record.id,
                    record.provider.as_str(),
                    record.provider_id.as_deref(),
                    &record.agent,
                    record.run.as_ref().map(RunId::as_str),
                    record.state.as_str(),
                    record.resources.cpu,
                    record.resources.memory_gib,
                    record.resources.disk_gib,
                    record.created_at,
                    record.used_at,
                    record.expires_at,
                    &server.instance,
                    &server.id,
                ],
            )
            .await
            .map_err(|error| {
                error.or_if_taken(|| {
                    StoreError::Conflict(format!("There is a sandbox {} in the ledger already.", record.id))
                })
            })?;
        session.commit().await
    }

    /// Notes the provider's id, and that the sandbox is in use and counted; but for one that is to be
    /// deleted already, which stays so.
    ///
    /// # Errors
    /// `NotFound` when there is no such row, `Fenced` when another server drives its run.
    pub async fn sandbox_created(
        &self,
        id: &SandboxId,
        provider_id: &str,
        hold: Option<&Hold>,
    ) -> Result<()> {
        let session = self
            .change_sandbox(
                id,
                hold,
                "update sandboxes set provider_id = $2,
                 state = case when state = 'intended' then 'in_use' else state end where id = $1",
                values![id, provider_id],
            )
            .await?;
        open_and_commit(session, id).await
    }

    /// Changes where a sandbox stands, and when it is to be deleted; `hold` is given by the driver of
    /// the run that uses it. `Deleted` is the end: who comes later changes nothing any more, as two may
    /// delete the same one, the run's driver and the reaper.
    ///
    /// # Errors
    /// `NotFound` when there is no such row, `Fenced` when another server drives the run.
    pub async fn sandbox_state(
        &self,
        id: &SandboxId,
        state: SandboxState,
        expires_at: Option<Millis>,
        hold: Option<&Hold>,
    ) -> Result<()> {
        let mut session = self
            .change_sandbox(
                id,
                hold,
                "update sandboxes set
                     expires_at = case when state = 'deleted' then expires_at else $3 end,
                     state = case when state = 'deleted' then state else $2 end where id = $1",
                values![id, state.as_str(), expires_at],
            )
            .await?;
        match state {
            SandboxState::Idle => session.change_usage(id, false).await?,
            SandboxState::Deleted => session.close_usage(id, End::Now).await?,
            SandboxState::Intended
            | SandboxState::InUse
            | SandboxState::Archiving
            | SandboxState::Archived
            | SandboxState::Restoring
            | SandboxState::Deleting => {}
        }
        session.commit().await
    }

    /// Notes that the provider has a sandbox no more, which nobody deleted: it is counted until it was
    /// last seen.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    pub async fn sandbox_vanished(&self, id: &SandboxId) -> Result<()> {
        let mut session = self
            .change_sandbox(
                id,
                None,
                "update sandboxes set state = 'deleted', expires_at = null where id = $1",
                values![id],
            )
            .await?;
        session.close_usage(id, End::LastSeen).await?;
        session.commit().await
    }

    async fn change_sandbox(
        &self,
        id: &SandboxId,
        hold: Option<&Hold>,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Session> {
        let mut session = self.writer().await?;
        if let Some(hold) = hold {
            session.check(hold).await?;
        }
        if session.execute(sql, values).await? == 0 {
            return Err(missing(id));
        }
        Ok(session)
    }

    /// Takes an idle sandbox for a run that the server holds. None when it is not idle any more.
    ///
    /// # Errors
    /// `Fenced` when another server drives the run.
    pub async fn claim_sandbox(
        &self,
        id: &SandboxId,
        hold: &Hold,
        server: &Replica,
        now: Millis,
    ) -> Result<Option<Claimed>> {
        let mut session = self.writer().await?;
        session.check(hold).await?;
        let claimed = session
            .execute(
                "update sandboxes set state = 'in_use', run_id = $2, used_at = $3, expires_at = null
                 where id = $1 and state = 'idle'",
                values![id, &hold.run, now],
            )
            .await?;
        let filled_by_us = fill(&mut session, id, server).await?;
        if claimed == 0 {
            return Ok(None);
        }
        session.change_usage(id, true).await?;
        session.commit().await?;
        Ok(Some(Claimed { filled_by_us }))
    }

    /// Notes that the server puts files into an idle sandbox; none when it is not idle any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn fill_sandbox(&self, id: &SandboxId, server: &Replica) -> Result<Option<Claimed>> {
        let mut session = self.writer().await?;
        let idle = session
            .execute(
                "update sandboxes set state = state where id = $1 and state = 'idle'",
                values![id],
            )
            .await?;
        let filled_by_us = fill(&mut session, id, server).await?;
        if idle == 0 {
            return Ok(None);
        }
        session.commit().await?;
        Ok(Some(Claimed { filled_by_us }))
    }

    /// Moves a sandbox that no run uses from one state into another, with the time from which on it is in
    /// it, and until when it is kept; none leaves that as it is. No server knows what is in it any more.
    /// False when it is not in the former.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn move_sandbox(
        &self,
        id: &SandboxId,
        from: SandboxState,
        to: SandboxState,
        expires_at: Option<Millis>,
        now: Millis,
    ) -> Result<bool> {
        let mut session = self.writer().await?;
        let moved = session
            .execute(
                "update sandboxes set state = $3, expires_at = coalesce($4, expires_at), used_at = $5,
                 filled_by = null where id = $1 and state = $2",
                values![id, from.as_str(), to.as_str(), expires_at, now],
            )
            .await?;
        crate::concerns("sandbox", id.as_str(), "");
        if moved == 1 {
            session.commit().await?;
        } else {
            session.commit_apart().await?;
        }
        Ok(moved == 1)
    }

    /// Takes a sandbox whose time is over for deletion. False when it has time again, or is not idle or
    /// archived any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn retire_expired_sandbox(&self, id: &SandboxId, now: Millis) -> Result<bool> {
        self.retire(
            "update sandboxes set state = 'deleting', expires_at = null
             where id = $1 and state in ('idle', 'archived') and expires_at <= $2",
            id,
            values![id, now],
        )
        .await
    }

    /// Takes a sandbox that is archived, or on its way there or back, for deletion. False when it is not.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn retire_resting_sandbox(&self, id: &SandboxId) -> Result<bool> {
        self.retire(
            "update sandboxes set state = 'deleting', expires_at = null
             where id = $1 and state in ('archiving', 'archived', 'restoring')",
            id,
            values![id],
        )
        .await
    }

    /// Takes an idle sandbox for deletion. False when it is not idle any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn retire_sandbox(&self, id: &SandboxId) -> Result<bool> {
        self.retire(
            "update sandboxes set state = 'deleting', expires_at = null
             where id = $1 and state = 'idle'",
            id,
            values![id],
        )
        .await
    }

    async fn retire(&self, sql: &'static str, id: &SandboxId, values: &[Value<'_>]) -> Result<bool> {
        let mut session = self.writer().await?;
        let retired = session.execute(sql, values).await?;
        crate::concerns("sandbox", id.as_str(), "");
        if retired == 1 {
            session.commit().await?;
        } else {
            session.commit_apart().await?;
        }
        Ok(retired == 1)
    }

    /// The row of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn sandbox(&self, id: &SandboxId) -> Result<SandboxRecord> {
        let found = self
            .find_sandboxes(
                concat!("select ", columns!(), " from sandboxes where id = $1"),
                values![id],
            )
            .await?;
        found.into_iter().next().ok_or_else(|| missing(id))
    }

    /// The agent's sandbox that is kept, else the one that a run of the studio uses: the newest that is
    /// known to the provider that this server uses. Those of other runs are no business of the next.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn live_sandbox_of(&self, agent: &AgentId, server: &Replica) -> Result<Option<SandboxRecord>> {
        let found = self
            .find_sandboxes(
                concat!(
                    "select ",
                    columns!(),
                    " from sandboxes where agent_id = $1 and state in ('in_use', 'idle')
                     and provider_id is not null and instance = $2
                     and (state = 'idle' or not exists (
                         select 1 from runs where runs.id = sandboxes.run_id and runs.in_studio = false))
                     order by case state when 'idle' then 0 else 1 end, created_at desc, id desc limit 1"
                ),
                values![agent, &server.instance],
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// The agent's sandboxes that are kept for its next run, newest first: two runs that ended at the
    /// same time may both have kept theirs.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn idle_sandboxes_of(&self, agent: &AgentId, server: &Replica) -> Result<Vec<SandboxRecord>> {
        self.find_sandboxes(
            concat!(
                "select ",
                columns!(),
                " from sandboxes where agent_id = $1 and state = 'idle' and instance = $2
                 order by created_at desc, id desc"
            ),
            values![agent, &server.instance],
        )
        .await
    }

    /// All sandboxes that are not known to be gone, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_sandboxes(&self) -> Result<Vec<SandboxRecord>> {
        self.find_sandboxes(
            concat!(
                "select ",
                columns!(),
                " from sandboxes where state <> 'deleted' order by created_at, id"
            ),
            &[],
        )
        .await
    }

    /// Those of the provider that this server uses.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_sandboxes_at(&self, server: &Replica) -> Result<Vec<SandboxRecord>> {
        self.find_sandboxes(
            concat!(
                "select ",
                columns!(),
                " from sandboxes where state <> 'deleted' and instance = $1 order by created_at, id"
            ),
            values![&server.instance],
        )
        .await
    }

    /// Idle and archived sandboxes whose time is over, of the provider that this server uses.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn expired_sandboxes(&self, now: Millis, server: &Replica) -> Result<Vec<SandboxRecord>> {
        self.find_sandboxes(
            concat!(
                "select ",
                columns!(),
                " from sandboxes where state <> 'deleted' and state in ('idle', 'archived') and expires_at <= $1
                 and instance = $2
                 order by expires_at, id"
            ),
            values![now, &server.instance],
        )
        .await
    }

    async fn find_sandboxes(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<SandboxRecord>> {
        let rows: Vec<SandboxRow> = self.reader().await?.all(sql, values).await?;
        rows.into_iter().map(SandboxRow::read).collect()
    }
}

/// Notes who puts files in; says whether it was the same server before. The row is locked already.
async fn fill(session: &mut Session, id: &SandboxId, server: &Replica) -> Result<bool> {
    let before: Option<(Option<String>,)> = session
        .optional("select filled_by from sandboxes where id = $1", values![id])
        .await?;
    session
        .execute(
            "update sandboxes set filled_by = $2 where id = $1",
            values![id, &server.id],
        )
        .await?;
    Ok(before.is_some_and(|(by,)| by.as_ref() == Some(&server.id)))
}

/// Begins to count a sandbox with the change that makes it.
async fn open_and_commit(mut session: Session, id: &SandboxId) -> Result<()> {
    session.open_usage(id, true, UsageState::Running, None).await?;
    session.commit().await
}

fn missing(id: &SandboxId) -> StoreError {
    StoreError::NotFound(format!("There is no sandbox {id} in the ledger."))
}
