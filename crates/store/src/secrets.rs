//! Secrets, as they come: sealed. Only who has the key can read a value, and
//! no method here gives one together with what people are shown.

use crate::{Hold, Result, Store, StoreError, stored, value::values};
use model::{Invalid, Millis, RunId, Secret, SecretId, SecretUse, TeamId, UserId, secret};

/// A secret's value, encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose it is.
    pub id: SecretId,
    /// Its name.
    pub name: String,
    /// The value.
    pub sealed: String,
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    id: String,
    name: String,
    created_at: i64,
    updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct UseRow {
    secret_id: String,
    variable: String,
    agent_id: String,
    slug: String,
    agent: String,
}

const USES: &str = "select v.secret_id, v.name as variable, a.id as agent_id, a.slug, a.name as agent
     from agent_variables v join agents a on a.id = v.agent_id
     join secrets s on s.id = v.secret_id where s.team_id = $1 order by a.name, v.name";

impl Store {
    /// The secrets of a team by name, with the agents that are given each.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_secrets(&self, team: &TeamId) -> Result<Vec<Secret>> {
        let mut session = self.reader().await?;
        let rows: Vec<SecretRow> = session
            .all(
                "select id, name, created_at, updated_at from secrets where team_id = $1 order by name",
                values![team],
            )
            .await?;
        let uses: Vec<UseRow> = session.all(USES, values![team]).await?;
        rows.into_iter()
            .map(|row| {
                let used_by = uses.iter().filter(|used| used.secret_id == row.id);
                Ok(Secret {
                    used_by: used_by.map(UseRow::read).collect::<Result<_>>()?,
                    id: stored::text("the id of a secret", row.id)?,
                    name: row.name,
                    created_at: Millis(row.created_at),
                    updated_at: Millis(row.updated_at),
                })
            })
            .collect()
    }

    /// Keeps a new secret of a team.
    ///
    /// # Errors
    /// `Conflict` when the team has one of this name, `Invalid` when it cannot be one.
    pub async fn create_secret(
        &self,
        team: &TeamId,
        owner: &UserId,
        id: &SecretId,
        name: &str,
        sealed: &str,
    ) -> Result<()> {
        secret::check_name(name)?;
        let mut session = self.writer().await?;
        session
            .execute(
                "insert into secrets (id, team_id, name, owner_id, sealed, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $6)",
                values![id, team, name, owner, sealed, Millis::now()],
            )
            .await
            .map_err(|error| {
                error.or_if_taken(|| {
                    StoreError::Conflict(format!(
                        "There is a secret {name} already. Replace its value, or choose another name."
                    ))
                })
            })?;
        crate::concerns("secret", id.as_str(), name);
        session.commit().await
    }

    /// Puts another value in the place of a secret's.
    ///
    /// # Errors
    /// `NotFound` when the team has no such secret.
    pub async fn replace_secret(&self, team: &TeamId, id: &SecretId, sealed: &str) -> Result<()> {
        let mut session = self.writer().await?;
        let replaced: Option<(String,)> = session
            .optional(
                "update secrets set sealed = $3, updated_at = $4 where id = $1 and team_id = $2 returning name",
                values![id, team, sealed, Millis::now()],
            )
            .await?;
        let (name,) = replaced.ok_or_else(|| missing(id))?;
        crate::concerns("secret", id.as_str(), &name);
        session.commit().await
    }

    /// Deletes a secret that no agent is given.
    ///
    /// # Errors
    /// `Conflict` with the agents' names while there are any, `NotFound` when the team has no such secret.
    pub async fn delete_secret(&self, team: &TeamId, id: &SecretId) -> Result<()> {
        let mut session = self.writer().await?;
        let uses: Vec<UseRow> = session.all(USES, values![team]).await?;
        let mut agents: Vec<&str> = uses
            .iter()
            .filter(|used| used.secret_id == id.as_str())
            .map(|used| used.agent.as_str())
            .collect();
        agents.dedup();
        let in_use = |agents: &[&str]| {
            StoreError::Conflict(format!(
                "This secret is given to {}. Take it out of the variables there first.",
                agents.join(", ")
            ))
        };
        if !agents.is_empty() {
            return Err(in_use(&agents));
        }
        let deleted: Option<(String,)> = session
            .optional(
                "delete from secrets where id = $1 and team_id = $2 returning name",
                values![id, team],
            )
            .await
            // Given to one a moment ago.
            .map_err(|error| error.or_if_missing(|| in_use(&["an agent"])))?;
        let (name,) = deleted.ok_or_else(|| missing(id))?;
        crate::concerns("secret", id.as_str(), &name);
        session.commit().await
    }

    /// All values of a team, sealed.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn sealed_secrets(&self, team: &TeamId) -> Result<Vec<SealedSecret>> {
        let rows: Vec<(String, String, String)> = self
            .reader()
            .await?
            .all(
                "select id, name, sealed from secrets where team_id = $1 order by name",
                values![team],
            )
            .await?;
        rows.into_iter()
            .map(|(id, name, sealed)| {
                Ok(SealedSecret {
                    id: stored::text("the id of a secret", id)?,
                    name,
                    sealed,
                })
            })
            .collect()
    }

    /// Seals everything anew, all or nothing; says how many secrets there are. `reseal` is given the
    /// id that a value belongs to and the value as it is sealed now.
    ///
    /// # Errors
    /// The first one `reseal` gives; nothing is changed then.
    pub async fn reseal(
        &self,
        mut reseal: impl FnMut(&str, &str) -> Result<String, Invalid> + Send,
    ) -> Result<usize> {
        let mut session = self.writer().await?;
        let secrets: Vec<(String, String)> = session.all("select id, sealed from secrets", values![]).await?;
        for (id, sealed) in &secrets {
            let sealed = reseal(id, sealed)?;
            session
                .execute(
                    "update secrets set sealed = $2 where id = $1",
                    values![id, &sealed],
                )
                .await?;
        }
        let runs: Vec<(String, String)> = session
            .all("select run_id, sealed from run_environments", values![])
            .await?;
        for (id, sealed) in &runs {
            let sealed = reseal(id, sealed)?;
            session
                .execute(
                    "update run_environments set sealed = $2 where run_id = $1",
                    values![id, &sealed],
                )
                .await?;
        }
        session.reseal_webhooks(&mut reseal).await?;
        session.commit().await?;
        Ok(secrets.len())
    }

    /// Keeps what a run was given, sealed.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Fenced` when another server drives it.
    pub async fn save_run_environment(&self, hold: &Hold, sealed: &str) -> Result<()> {
        let mut session = self.writer().await?;
        session.check(hold).await?;
        session
            .execute(
                "insert into run_environments (run_id, sealed) values ($1, $2)
                 on conflict (run_id) do update set sealed = excluded.sealed",
                values![&hold.run, sealed],
            )
            .await?;
        session.commit().await
    }

    /// What a run was given, sealed; none when it was given nothing, or has ended.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn run_environment(&self, run: &RunId) -> Result<Option<String>> {
        let row: Option<(String,)> = self
            .reader()
            .await?
            .optional(
                "select sealed from run_environments where run_id = $1",
                values![run],
            )
            .await?;
        Ok(row.map(|(sealed,)| sealed))
    }

    /// Forgets what runs were given that have ended.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_ended_environments(&self) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "delete from run_environments where run_id in (select id from runs where finished = true)",
                values![],
            )
            .await?;
        session.commit().await
    }

    /// Forgets what a run was given.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_run_environment(&self, run: &RunId) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute("delete from run_environments where run_id = $1", values![run])
            .await?;
        session.commit().await
    }
}

impl UseRow {
    fn read(&self) -> Result<SecretUse> {
        Ok(SecretUse {
            agent: stored::text("the id of an agent", self.agent_id.clone())?,
            slug: self.slug.clone(),
            name: self.agent.clone(),
            variable: self.variable.clone(),
        })
    }
}

fn missing(id: &SecretId) -> StoreError {
    StoreError::NotFound(format!("There is no secret {id}. Was it deleted?"))
}
