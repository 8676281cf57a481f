//! The webhooks of agents: addresses that start runs, and the messages that
//! came, as long as one could be sent again.

use crate::{Result, Store, StoreError, session::Session, stored, value::values};
use model::{
    AgentHook, AgentId, HookBody, HookId, Invalid, Millis, RunId, UserId,
    webhook::{OVERLAP_MILLISECONDS, WINDOW_SECONDS},
};

macro_rules! columns {
    () => {
        "id, agent_id, is_on, body, created_at, used_at, previous_until, sealed, sealed_previous, user_id"
    };
}

/// A webhook with what only Pitlane reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHook {
    /// The webhook.
    pub hook: AgentHook,
    /// Its secret.
    pub sealed: String,
    /// The secret before, as long as that counts.
    pub sealed_previous: Option<String>,
    /// Whose share of the places its runs take.
    pub user: UserId,
}

#[derive(sqlx::FromRow)]
struct HookRow {
    id: String,
    agent_id: String,
    is_on: bool,
    body: String,
    created_at: i64,
    used_at: Option<i64>,
    previous_until: Option<i64>,
    sealed: String,
    sealed_previous: Option<String>,
    user_id: String,
}

impl HookRow {
    fn read(self) -> Result<SealedHook> {
        let previous_until = stored::time(self.previous_until).filter(|until| *until > Millis::now());
        Ok(SealedHook {
            hook: AgentHook {
                id: stored::text("the id of a webhook", self.id)?,
                agent: stored::text("the id of an agent", self.agent_id)?,
                is_on: self.is_on,
                body: stored::word("how a body is given", &self.body, HookBody::parse)?,
                created_at: Millis(self.created_at),
                used_at: stored::time(self.used_at),
                previous_until,
            },
            sealed: self.sealed,
            sealed_previous: self.sealed_previous.filter(|_| previous_until.is_some()),
            user: stored::text("the id of an account", self.user_id)?,
        })
    }
}

impl Store {
    /// Keeps the webhook of an agent that had none; it is on.
    ///
    /// # Errors
    /// `Conflict` when the agent has one, `NotFound` when there is no such agent or account.
    pub async fn create_hook(
        &self,
        agent: &AgentId,
        user: &UserId,
        id: &HookId,
        sealed: &str,
    ) -> Result<AgentHook> {
        let mut session = self.writer().await?;
        session
            .execute(
                "insert into agent_hooks (agent_id, id, sealed, is_on, body, user_id, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                values![
                    agent,
                    id,
                    sealed,
                    true,
                    HookBody::default().as_str(),
                    user,
                    Millis::now()
                ],
            )
            .await
            .map_err(|error| {
                error
                    .or_if_taken(|| {
                        StoreError::Conflict(
                            "This agent has a webhook already. Rotate its secret to have another.".to_owned(),
                        )
                    })
                    .or_if_missing(|| {
                        StoreError::NotFound("There is no such agent. Was it deleted?".to_owned())
                    })
            })?;
        session.commit().await?;
        Ok(self.hook(id).await?.ok_or_else(missing)?.hook)
    }

    /// The webhook of this id.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn hook(&self, id: &HookId) -> Result<Option<SealedHook>> {
        let row: Option<HookRow> = self
            .reader()
            .await?
            .optional(
                concat!("select ", columns!(), " from agent_hooks where id = $1"),
                values![id],
            )
            .await?;
        row.map(HookRow::read).transpose()
    }

    /// The webhook of an agent.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn hook_of(&self, agent: &AgentId) -> Result<Option<AgentHook>> {
        let row: Option<HookRow> = self
            .reader()
            .await?
            .optional(
                concat!("select ", columns!(), " from agent_hooks where agent_id = $1"),
                values![agent],
            )
            .await?;
        Ok(row.map(HookRow::read).transpose()?.map(|sealed| sealed.hook))
    }

    /// Switches the webhook of an agent on or off, and says how its program is given bodies.
    ///
    /// # Errors
    /// `NotFound` when the agent has none.
    pub async fn update_hook(&self, agent: &AgentId, is_on: bool, body: HookBody) -> Result<()> {
        self.change_hook(
            "update agent_hooks set is_on = $2, body = $3 where agent_id = $1",
            values![agent, is_on, body.as_str()],
        )
        .await
    }

    /// Puts another secret in the place of an agent's; the one before counts for a day beside it.
    ///
    /// # Errors
    /// `NotFound` when the agent has no webhook.
    pub async fn rotate_hook(&self, agent: &AgentId, sealed: &str) -> Result<()> {
        self.change_hook(
            "update agent_hooks set sealed_previous = sealed, sealed = $2, previous_until = $3
             where agent_id = $1",
            values![agent, sealed, Millis::now().0 + OVERLAP_MILLISECONDS],
        )
        .await
    }

    /// Deletes the webhook of an agent: its address is gone for ever.
    ///
    /// # Errors
    /// `NotFound` when the agent has none.
    pub async fn delete_hook(&self, agent: &AgentId) -> Result<()> {
        self.change_hook("delete from agent_hooks where agent_id = $1", values![agent])
            .await
    }

    async fn change_hook(&self, sql: &'static str, values: &[crate::value::Value<'_>]) -> Result<()> {
        let mut session = self.writer().await?;
        if session.execute(sql, values).await? == 0 {
            return Err(missing());
        }
        session.commit().await
    }

    /// Remembers a message to a webhook until none of its time is taken any more; says whether its body
    /// is that of the first message of this id.
    ///
    /// # Errors
    /// `NotFound` when there is no such webhook, or the database cannot be used.
    pub async fn remember_hook_message(
        &self,
        hook: &HookId,
        message: &str,
        sha256: &str,
        run: &RunId,
    ) -> Result<bool> {
        let now = Millis::now();
        let mut session = self.writer().await?;
        // Its time may have been as far ahead of us as it may be behind.
        session
            .execute(
                "delete from hook_messages where at < $1",
                values![now.0 - 3 * WINDOW_SECONDS * 1000],
            )
            .await?;
        session
            .execute(
                "insert into hook_messages (hook_id, message_id, sha256, run_id, at)
                 values ($1, $2, $3, $4, $5) on conflict (hook_id, message_id) do nothing",
                values![hook, message, sha256, run, now],
            )
            .await
            .map_err(|error| error.or_if_missing(missing))?;
        let (first,): (String,) = session
            .one(
                "select sha256 from hook_messages where hook_id = $1 and message_id = $2",
                values![hook, message],
            )
            .await?;
        session
            .execute(
                "update agent_hooks set used_at = $2 where id = $1",
                values![hook, now],
            )
            .await?;
        session.commit().await?;
        Ok(first == sha256)
    }
}

impl Session {
    /// Seals the secrets of all webhooks anew, of both kinds.
    pub(crate) async fn reseal_webhooks(
        &mut self,
        reseal: &mut (impl FnMut(&str, &str) -> std::result::Result<String, Invalid> + Send),
    ) -> Result<()> {
        for (all, update) in [
            (
                "select id, sealed, sealed_previous from agent_hooks",
                "update agent_hooks set sealed = $2, sealed_previous = $3 where id = $1",
            ),
            (
                "select id, sealed, sealed_previous from webhook_targets",
                "update webhook_targets set sealed = $2, sealed_previous = $3 where id = $1",
            ),
        ] {
            let rows: Vec<(String, String, Option<String>)> = self.all(all, values![]).await?;
            for (id, sealed, previous) in rows {
                let sealed = reseal(&id, &sealed)?;
                let previous = previous.map(|previous| reseal(&id, &previous)).transpose()?;
                self.execute(update, values![&id, &sealed, previous.as_deref()])
                    .await?;
            }
        }
        Ok(())
    }
}

fn missing() -> StoreError {
    StoreError::NotFound("There is no such webhook. Was it deleted?".to_owned())
}
