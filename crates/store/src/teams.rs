//! Teams.

use crate::{Result, Store, StoreError, session::Session, stored, value::values};
use model::{Membership, Millis, Role, Team, TeamId, UserId, team};

#[derive(sqlx::FromRow)]
struct TeamRow {
    id: String,
    name: String,
    created_at: i64,
}

impl TeamRow {
    fn read(self) -> Result<Team> {
        Ok(Team {
            id: stored::text("the id of a team", self.id)?,
            name: self.name,
            created_at: Millis(self.created_at),
        })
    }
}

impl Store {
    /// Makes a team that this account owns.
    ///
    /// # Errors
    /// `Conflict` when the name is taken (letter case does not count) or the account is in too many
    /// teams, `Invalid` when the name cannot be one, `NotFound` when there is no such account.
    pub async fn create_team(&self, name: &str, owner: &UserId) -> Result<Team> {
        let name = team::check_name(name)?;
        let team = Team {
            id: TeamId::generate(),
            name: name.to_owned(),
            created_at: Millis::now(),
        };
        let mut session = self.writer().await?;
        session
            .execute(
                "insert into teams (id, name, created_at) values ($1, $2, $3)",
                values![&team.id, name, team.created_at],
            )
            .await
            .map_err(|error| error.or_if_taken(|| taken(name)))?;
        crate::members::insert(&mut session, &team.id, owner, Role::Owner).await?;
        crate::concerns("team", team.id.as_str(), name);
        session.commit().await?;
        Ok(team)
    }

    /// The team of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn team(&self, id: &TeamId) -> Result<Team> {
        let row: Option<TeamRow> = self
            .reader()
            .await?
            .optional(
                "select id, name, created_at from teams where id = $1",
                values![id],
            )
            .await?;
        row.ok_or_else(missing)?.read()
    }

    /// All teams of the instance, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn teams(&self) -> Result<Vec<Team>> {
        let rows: Vec<TeamRow> = self
            .reader()
            .await?
            .all(
                "select id, name, created_at from teams order by created_at, id",
                &[],
            )
            .await?;
        rows.into_iter().map(TeamRow::read).collect()
    }

    /// The teams an account is in, by name.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn teams_of(&self, user: &UserId) -> Result<Vec<Membership>> {
        let rows: Vec<(String, String, i64, String)> = self
            .reader()
            .await?
            .all(
                "select t.id, t.name, t.created_at, m.role from team_members m join teams t on t.id = m.team_id
                 where m.user_id = $1 order by lower(t.name), t.id",
                values![user],
            )
            .await?;
        rows.into_iter()
            .map(|(id, name, created_at, role)| {
                Ok(Membership {
                    team: TeamRow { id, name, created_at }.read()?,
                    role: stored::word("a role", &role, Role::parse)?,
                })
            })
            .collect()
    }

    /// Changes a team's name.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` and `Invalid` as for [`Store::create_team`].
    pub async fn rename_team(&self, id: &TeamId, name: &str) -> Result<()> {
        let name = team::check_name(name)?;
        let mut session = self.writer().await?;
        let renamed = session
            .execute("update teams set name = $2 where id = $1", values![id, name])
            .await
            .map_err(|error| error.or_if_taken(|| taken(name)))?;
        if renamed == 0 {
            return Err(missing());
        }
        crate::concerns("team", id.as_str(), name);
        session.commit().await
    }

    /// Deletes a team that has no agents any more, with its secrets and tokens.
    ///
    /// # Errors
    /// `Conflict` while it has agents, or when it is the first team; `NotFound` when there is no such team.
    pub async fn delete_team(&self, id: &TeamId) -> Result<()> {
        if *id == TeamId::first() {
            return Err(StoreError::Conflict(
                "The first team cannot be deleted: new accounts are made in it. Rename it instead."
                    .to_owned(),
            ));
        }
        let mut session = self.writer().await?;
        lock(&mut session, id).await?;
        let (agents,): (i64,) = session
            .one("select count(*) from agents where team_id = $1", values![id])
            .await?;
        if agents > 0 {
            return Err(StoreError::Conflict(format!(
                "The team has {agents} {}. Delete them first: with an agent go its runs and logs.",
                if agents == 1 { "agent" } else { "agents" }
            )));
        }
        session
            .execute("delete from secrets where team_id = $1", values![id])
            .await?;
        for sql in [
            "delete from webhook_targets where team_id = $1",
            "delete from webhook_messages where team_id = $1",
        ] {
            session.execute(sql, values![id]).await?;
        }
        session
            .execute("delete from teams where id = $1", values![id])
            .await?;
        crate::concerns("team", id.as_str(), "");
        session.commit().await
    }
}

/// Makes other writers of this team's members wait until the session ends. SQLite's writer is alone
/// anyway; PostgreSQL locks the row.
pub(crate) async fn lock(session: &mut Session, id: &TeamId) -> Result<()> {
    let found = session
        .execute("update teams set name = name where id = $1", values![id])
        .await?;
    if found == 0 { Err(missing()) } else { Ok(()) }
}

pub(crate) fn missing() -> StoreError {
    StoreError::NotFound("There is no such team. Was it deleted?".to_owned())
}

fn taken(name: &str) -> StoreError {
    StoreError::Conflict(format!(
        "There is a team named \u{201c}{name}\u{201d} already. Choose another name."
    ))
}
