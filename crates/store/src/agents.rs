//! Agents and their settings.

use crate::{Result, Store, StoreError, blobs, files, session::Session, stored, value::values};
use model::{
    Agent, AgentId, AgentSettings, FilePath, Language, Millis, Resources, TeamId, UserId, agent::slug_of,
};

macro_rules! columns {
    () => {
        "id, slug, name, description, language, entrypoint, timeout_seconds, keep_minutes,
         cpu, memory_gib, disk_gib, team_id, owner_id, revision_number, created_at, updated_at"
    };
}

#[derive(sqlx::FromRow)]
struct AgentRow {
    id: String,
    slug: String,
    name: String,
    description: String,
    language: String,
    entrypoint: Option<String>,
    timeout_seconds: i64,
    keep_minutes: i64,
    cpu: i64,
    memory_gib: i64,
    disk_gib: i64,
    team_id: String,
    owner_id: String,
    revision_number: i64,
    created_at: i64,
    updated_at: i64,
}

impl AgentRow {
    fn read(self) -> Result<Agent> {
        Ok(Agent {
            id: stored::text("the id of an agent", self.id)?,
            slug: self.slug,
            settings: AgentSettings {
                name: self.name,
                description: self.description,
                language: stored::word("a language", &self.language, |word| Language::parse(word).ok())?,
                entrypoint: self.entrypoint,
                timeout_seconds: stored::count(self.timeout_seconds),
                keep_minutes: stored::count(self.keep_minutes),
                resources: Resources {
                    cpu: stored::count(self.cpu),
                    memory_gib: stored::count(self.memory_gib),
                    disk_gib: stored::count(self.disk_gib),
                },
            },
            team: stored::text("the id of a team", self.team_id)?,
            owner: stored::text("the id of an account", self.owner_id)?,
            revision_number: self.revision_number,
            created_at: Millis(self.created_at),
            updated_at: Millis(self.updated_at),
        })
    }
}

impl Store {
    /// The agent of this id, whatever its team: for what drives runs. Who answers people asks for
    /// [`Store::agent_in`] their team.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn agent(&self, id: &AgentId) -> Result<Agent> {
        let row: Option<AgentRow> = self
            .reader()
            .await?
            .optional(
                concat!("select ", columns!(), " from agents where id = $1"),
                values![id],
            )
            .await?;
        row.ok_or_else(|| missing(id))?.read()
    }

    /// The agent of this id, if it is this team's.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is another team's.
    pub async fn agent_in(&self, team: &TeamId, id: &AgentId) -> Result<Agent> {
        let row: Option<AgentRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    "select ",
                    columns!(),
                    " from agents where id = $1 and team_id = $2"
                ),
                values![id, team],
            )
            .await?;
        row.ok_or_else(|| missing(id))?.read()
    }

    /// The team an agent belongs to; none when there is no such agent.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn team_of_agent(&self, id: &AgentId) -> Result<Option<TeamId>> {
        let row: Option<(String,)> = self
            .reader()
            .await?
            .optional("select team_id from agents where id = $1", values![id])
            .await?;
        row.map(|(team,)| stored::text("the id of a team", team))
            .transpose()
    }

    /// The team's agent of this name in addresses.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is another team's.
    pub async fn agent_by_slug(&self, team: &TeamId, slug: &str) -> Result<Agent> {
        let row: Option<AgentRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    "select ",
                    columns!(),
                    " from agents where slug = $1 and team_id = $2"
                ),
                values![slug, team],
            )
            .await?;
        let none = || StoreError::NotFound("There is no agent of this name. Was it deleted?".to_owned());
        row.ok_or_else(none)?.read()
    }

    /// A team's agents, newest first, those older than the id `before`; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn agents_before(&self, team: &TeamId, before: Option<&str>, limit: u32) -> Result<Vec<Agent>> {
        let rows: Vec<AgentRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from agents where team_id = $3 and id < $1 order by id desc limit $2"
                ),
                // Past every id.
                values![before.unwrap_or("g"), limit, team],
            )
            .await?;
        rows.into_iter().map(AgentRow::read).collect()
    }

    /// Makes an agent of a team with its first files. Its slug comes from its name, with `-2`, `-3` when taken.
    ///
    /// # Errors
    /// `Invalid` when a setting or a file breaks a rule, `Conflict` when two files cannot both exist.
    pub async fn create_agent(
        &self,
        team: &TeamId,
        owner: &UserId,
        settings: &AgentSettings,
        files: &[(FilePath, Vec<u8>)],
    ) -> Result<Agent> {
        let settings = settings.clone().check()?;
        files::check_all(files)?;
        let (id, now) = (AgentId::generate(), Millis::now());
        let mut session = self.writer().await?;
        let slug = insert(&mut session, &id, (team, owner), &settings, now).await?;
        for (path, bytes) in files {
            let sha256 = blobs::sha256(bytes);
            blobs::put(&mut session, &sha256, bytes, now).await?;
            session
                .execute(
                    "insert into files (agent_id, path, sha256, size, version, updated_at)
                     values ($1, $2, $3, $4, 1, $5)",
                    values![&id, path, &sha256, bytes.len() as u64, now],
                )
                .await?;
        }
        crate::concerns("agent", id.as_str(), &settings.name);
        session.commit().await?;
        Ok(Agent {
            id,
            slug,
            settings,
            team: team.clone(),
            owner: owner.clone(),
            revision_number: 0,
            created_at: now,
            updated_at: now,
        })
    }

    /// Changes an agent's settings. Its slug stays, so that addresses do.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent, `Invalid` when a setting breaks a rule.
    pub async fn update_agent(&self, id: &AgentId, settings: AgentSettings) -> Result<Agent> {
        let settings = settings.check()?;
        let mut session = self.writer().await?;
        let row: Option<AgentRow> = session
            .optional(
                concat!(
                    "update agents set name = $2, description = $3, language = $4, entrypoint = $5,
                     timeout_seconds = $6, keep_minutes = $7, cpu = $8, memory_gib = $9, disk_gib = $10,
                     updated_at = $11 where id = $1 returning ",
                    columns!()
                ),
                values![
                    id,
                    &settings.name,
                    &settings.description,
                    settings.language.as_str(),
                    settings.entrypoint.as_deref(),
                    settings.timeout_seconds,
                    settings.keep_minutes,
                    settings.resources.cpu,
                    settings.resources.memory_gib,
                    settings.resources.disk_gib,
                    Millis::now(),
                ],
            )
            .await?;
        let agent = row.ok_or_else(|| missing(id))?.read()?;
        crate::concerns("agent", id.as_str(), &agent.settings.name);
        session.commit().await?;
        Ok(agent)
    }

    /// Deletes an agent with its files, revisions, runs and logs; the time of sandboxes that are kept for it
    /// is over.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent, `Conflict` while one of its runs is unfinished.
    pub async fn delete_agent(&self, id: &AgentId) -> Result<()> {
        let mut session = self.writer().await?;
        lock(&mut session, id).await?;
        let unfinished: Option<(i64,)> = session
            .optional(
                "select number from runs where agent_id = $1 and finished = false",
                values![id],
            )
            .await?;
        if let Some((number,)) = unfinished {
            return Err(StoreError::Conflict(format!(
                "The agent cannot be deleted while its run {number} has not ended. Stop the run first."
            )));
        }
        // Nobody would use them any more: the next look of a server deletes them.
        session
            .execute(
                "update sandboxes set expires_at = case when expires_at < $2 then expires_at else $2 end
                 where agent_id = $1 and state in ('idle', 'archiving', 'archived', 'restoring')",
                values![id, Millis::now()],
            )
            .await?;
        let name: Option<(String,)> = session
            .optional("delete from agents where id = $1 returning name", values![id])
            .await?;
        crate::concerns(
            "agent",
            id.as_str(),
            &name.map(|(name,)| name).unwrap_or_default(),
        );
        session.commit().await
    }
}

/// Inserts the row under the first slug of its name that is free, and gives that.
async fn insert(
    session: &mut Session,
    id: &AgentId,
    (team, owner): (&TeamId, &UserId),
    settings: &AgentSettings,
    now: Millis,
) -> Result<String> {
    let base = slug_of(&settings.name);
    // Slugs hold no character that means something in a pattern.
    let pattern = format!("{base}-%");
    let taken: Vec<(String,)> = session
        .all(
            "select slug from agents where slug = $1 or slug like $2",
            values![&base, &pattern],
        )
        .await?;
    let free = (1_u32..).map(|n| {
        if n == 1 {
            base.clone()
        } else {
            format!("{base}-{n}")
        }
    });
    for slug in free.filter(|slug| taken.iter().all(|(other,)| other != slug)) {
        // Another connection may have taken it a moment ago; then the next.
        let inserted = session
            .execute(
                "insert into agents (id, slug, name, description, language, entrypoint, timeout_seconds,
                 keep_minutes, cpu, memory_gib, disk_gib, team_id, owner_id, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
                 on conflict (slug) do nothing",
                values![
                    id,
                    &slug,
                    &settings.name,
                    &settings.description,
                    settings.language.as_str(),
                    settings.entrypoint.as_deref(),
                    settings.timeout_seconds,
                    settings.keep_minutes,
                    settings.resources.cpu,
                    settings.resources.memory_gib,
                    settings.resources.disk_gib,
                    team,
                    owner,
                    now,
                ],
            )
            .await
            .map_err(|error| {
                error.or_if_missing(|| {
                    StoreError::NotFound(format!("There is no account {owner}, or no team {team}."))
                })
            })?;
        if inserted == 1 {
            return Ok(slug);
        }
    }
    Err(StoreError::Conflict(format!(
        "Every name like \u{201c}{base}\u{201d} is taken. Choose another."
    )))
}

/// Makes other writers of this agent wait until the session ends. SQLite's
/// writer is alone anyway; PostgreSQL locks the row.
pub(crate) async fn lock(session: &mut Session, id: &AgentId) -> Result<()> {
    let found = session
        .execute(
            "update agents set updated_at = updated_at where id = $1",
            values![id],
        )
        .await?;
    if found == 0 { Err(missing(id)) } else { Ok(()) }
}

/// Locks the agent as [`lock`] does, and notes that it was changed.
pub(crate) async fn touch(session: &mut Session, id: &AgentId, now: Millis) -> Result<()> {
    let found = session
        .execute(
            "update agents set updated_at = $2 where id = $1",
            values![id, now],
        )
        .await?;
    if found == 0 { Err(missing(id)) } else { Ok(()) }
}

pub(crate) fn missing(id: &AgentId) -> StoreError {
    StoreError::NotFound(format!("There is no agent {id}. Was it deleted?"))
}
