//! The ledger of sandboxes: a row before the provider is asked, kept until the
//! provider confirms that the sandbox is gone, also when its agent is deleted.

use crate::{
    Result, Store, StoreError, stored,
    value::{Value, values},
};
use model::{AgentId, Millis, Provider, Resources, RunId, SandboxId, SandboxRecord, SandboxState};

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

impl Store {
    /// Writes the row of a sandbox that the provider is about to be asked for.
    ///
    /// # Errors
    /// `Conflict` when its id exists.
    pub async fn intend_sandbox(&self, record: &SandboxRecord) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                concat!(
                    "insert into sandboxes (",
                    columns!(),
                    ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
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

    /// Notes the provider's id, and that the sandbox is in use; but for one that is to be deleted
    /// already, which stays so.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    pub async fn sandbox_created(&self, id: &SandboxId, provider_id: &str) -> Result<()> {
        self.change_sandbox(
            id,
            "update sandboxes set provider_id = $2,
             state = case when state = 'intended' then 'in_use' else state end where id = $1",
            values![id, provider_id],
        )
        .await
    }

    /// Changes where a sandbox stands, and when it is to be deleted.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    pub async fn sandbox_state(
        &self,
        id: &SandboxId,
        state: SandboxState,
        expires_at: Option<Millis>,
    ) -> Result<()> {
        self.change_sandbox(
            id,
            "update sandboxes set state = $2, expires_at = $3 where id = $1",
            values![id, state.as_str(), expires_at],
        )
        .await
    }

    async fn change_sandbox(&self, id: &SandboxId, sql: &'static str, values: &[Value<'_>]) -> Result<()> {
        let mut session = self.writer().await?;
        if session.execute(sql, values).await? == 0 {
            return Err(missing(id));
        }
        session.commit().await
    }

    /// Takes an idle sandbox for a run. False when it is not idle any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn claim_sandbox(&self, id: &SandboxId, run: &RunId, now: Millis) -> Result<bool> {
        let mut session = self.writer().await?;
        let claimed = session
            .execute(
                "update sandboxes set state = 'in_use', run_id = $2, used_at = $3, expires_at = null
                 where id = $1 and state = 'idle'",
                values![id, run, now],
            )
            .await?;
        session.commit().await?;
        Ok(claimed == 1)
    }

    /// Takes an idle sandbox for deletion. False when it is not idle any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn retire_sandbox(&self, id: &SandboxId) -> Result<bool> {
        let mut session = self.writer().await?;
        let retired = session
            .execute(
                "update sandboxes set state = 'deleting', expires_at = null
                 where id = $1 and state = 'idle'",
                values![id],
            )
            .await?;
        session.commit().await?;
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

    /// The agent's newest sandbox that is idle or in use and known to the provider.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn live_sandbox_of(&self, agent: &AgentId) -> Result<Option<SandboxRecord>> {
        let found = self
            .find_sandboxes(
                concat!(
                    "select ",
                    columns!(),
                    " from sandboxes where agent_id = $1 and state in ('in_use', 'idle')
                     and provider_id is not null order by created_at desc, id desc limit 1"
                ),
                values![agent],
            )
            .await?;
        Ok(found.into_iter().next())
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

    /// Idle sandboxes whose time is over.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn expired_sandboxes(&self, now: Millis) -> Result<Vec<SandboxRecord>> {
        self.find_sandboxes(
            concat!(
                "select ",
                columns!(),
                " from sandboxes where state <> 'deleted' and state = 'idle' and expires_at <= $1
                 order by expires_at, id"
            ),
            values![now],
        )
        .await
    }

    async fn find_sandboxes(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<SandboxRecord>> {
        let rows: Vec<SandboxRow> = self.reader().await?.all(sql, values).await?;
        rows.into_iter().map(SandboxRow::read).collect()
    }
}

fn missing(id: &SandboxId) -> StoreError {
    StoreError::NotFound(format!("There is no sandbox {id} in the ledger."))
}
