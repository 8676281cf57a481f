//! Who is in a team, and what they are there. The rules that hold whoever asks
//! are kept here, in the transaction that changes something: a team always has
//! an owner, and only owners make and unmake owners.

use crate::{Result, Store, StoreError, session::Session, stored, teams, users::UserRow, value::values};
use model::{Member, Membership, Millis, Role, TeamId, User, UserId, team::MOST_OF_ONE_PERSON};

#[derive(sqlx::FromRow)]
struct MemberRow {
    user_id: String,
    name: String,
    role: String,
    since: i64,
}

impl MemberRow {
    fn read(self) -> Result<Member> {
        Ok(Member {
            user: stored::text("the id of an account", self.user_id)?,
            name: self.name,
            role: stored::word("a role", &self.role, Role::parse)?,
            since: Millis(self.since),
        })
    }
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    id: String,
    name: String,
    role: String,
    password_hash: Option<String>,
    identities: i64,
    team_id: Option<String>,
    team_name: Option<String>,
    team_created_at: Option<i64>,
    team_role: Option<String>,
}

impl Store {
    /// An account, and where it stands: in the team it prefers, when it is in that one, else in the
    /// one it has been in for longest. None for an account that is not there.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn standing(
        &self,
        user: &UserId,
        preferred: Option<&TeamId>,
    ) -> Result<Option<(User, Option<Membership>)>> {
        let row: Option<StandingRow> = self
            .reader()
            .await?
            .optional(
                "select u.id, u.name, u.role, u.password_hash,
                 (select count(*) from identities i where i.user_id = u.id) as identities, t.id as team_id, t.name as team_name,
                 t.created_at as team_created_at, m.role as team_role
                 from users u left join team_members m on m.user_id = u.id left join teams t on t.id = m.team_id
                 where u.id = $1
                 order by case when m.team_id = $2 then 0 else 1 end, m.since, m.team_id limit 1",
                values![user, preferred.map(TeamId::as_str)],
            )
            .await?;
        row.map(StandingRow::read).transpose()
    }

    /// What an account is in a team; none when it is not in it.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn role_in(&self, team: &TeamId, user: &UserId) -> Result<Option<Role>> {
        role_of(&mut self.reader().await?, team, user).await
    }

    /// Who is in a team, owners first, then by name.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn members(&self, team: &TeamId) -> Result<Vec<Member>> {
        let rows: Vec<MemberRow> = self
            .reader()
            .await?
            .all(
                "select m.user_id, u.name, m.role, m.since from team_members m join users u on u.id = m.user_id
                 where m.team_id = $1
                 order by case m.role when 'owner' then 0 when 'admin' then 1 when 'member' then 2 else 3 end,
                 lower(u.name)",
                values![team],
            )
            .await?;
        rows.into_iter().map(MemberRow::read).collect()
    }

    /// Takes an account into a team. `by` is what whoever does it is there.
    ///
    /// # Errors
    /// `Conflict` when it is in it already, when it is in too many, or when `by` may not give the role;
    /// `NotFound` when there is no such team or account.
    pub async fn add_member(&self, team: &TeamId, by: Role, user: &UserId, role: Role) -> Result<()> {
        check_given(by, role)?;
        let mut session = self.writer().await?;
        teams::lock(&mut session, team).await?;
        insert(&mut session, team, user, role).await?;
        concerns(&mut session, team, user).await?;
        crate::detail("role", role.as_str());
        session.commit().await
    }

    /// Changes what somebody is in a team. `by` is what whoever does it is there.
    ///
    /// # Errors
    /// `Conflict` when the team would have no owner, or `by` may not give or take the role; `NotFound`
    /// when they are not in the team.
    pub async fn set_member_role(&self, team: &TeamId, by: Role, user: &UserId, role: Role) -> Result<()> {
        check_given(by, role)?;
        let mut session = self.writer().await?;
        teams::lock(&mut session, team).await?;
        let was = role_of(&mut session, team, user).await?.ok_or_else(not_in_it)?;
        check_given(by, was)?;
        if was == Role::Owner && role != Role::Owner {
            check_other_owner(&mut session, team, user).await?;
        }
        session
            .execute(
                "update team_members set role = $3 where team_id = $1 and user_id = $2",
                values![team, user, role.as_str()],
            )
            .await?;
        concerns(&mut session, team, user).await?;
        crate::detail("role", role.as_str());
        session.commit().await
    }

    /// Takes somebody out of a team, with the tokens they made in it. `by` is what whoever does it is
    /// there; none when they leave by themselves.
    ///
    /// # Errors
    /// `Conflict` when the team would have no owner, or `by` may not take the role; `NotFound` when they
    /// are not in the team.
    pub async fn remove_member(&self, team: &TeamId, by: Option<Role>, user: &UserId) -> Result<()> {
        let mut session = self.writer().await?;
        teams::lock(&mut session, team).await?;
        let was = role_of(&mut session, team, user).await?.ok_or_else(not_in_it)?;
        if let Some(by) = by {
            check_given(by, was)?;
        }
        if was == Role::Owner {
            check_other_owner(&mut session, team, user).await?;
        }
        session
            .execute(
                "delete from tokens where team_id = $1 and user_id = $2",
                values![team, user],
            )
            .await?;
        session
            .execute(
                "delete from team_members where team_id = $1 and user_id = $2",
                values![team, user],
            )
            .await?;
        concerns(&mut session, team, user).await?;
        session.commit().await
    }
}

impl StandingRow {
    fn read(self) -> Result<(User, Option<Membership>)> {
        let account = UserRow {
            id: self.id,
            name: self.name,
            role: self.role,
            password_hash: self.password_hash,
            identities: self.identities,
        };
        let membership = match (self.team_id, self.team_name, self.team_role) {
            (Some(id), Some(name), Some(role)) => Some(Membership {
                team: model::Team {
                    id: stored::text("the id of a team", id)?,
                    name,
                    created_at: Millis(self.team_created_at.unwrap_or_default()),
                },
                role: stored::word("a role", &role, Role::parse)?,
            }),
            _ => None,
        };
        Ok((account.read()?.0, membership))
    }
}

/// Takes an account into a team. The team is locked, or new.
pub(crate) async fn insert(session: &mut Session, team: &TeamId, user: &UserId, role: Role) -> Result<()> {
    let (teams,): (i64,) = session
        .one(
            "select count(*) from team_members where user_id = $1",
            values![user],
        )
        .await?;
    if stored::size(teams) >= MOST_OF_ONE_PERSON as u64 {
        return Err(StoreError::Conflict(format!(
            "This account is in {teams} teams, as many as one may be in."
        )));
    }
    session
        .execute(
            "insert into team_members (team_id, user_id, role, since) values ($1, $2, $3, $4)",
            values![team, user, role.as_str(), Millis::now()],
        )
        .await
        .map_err(|error| {
            error
                .or_if_taken(|| StoreError::Conflict("This account is in the team already.".to_owned()))
                .or_if_missing(|| StoreError::NotFound(format!("There is no account {user}.")))
        })?;
    Ok(())
}

async fn role_of(session: &mut Session, team: &TeamId, user: &UserId) -> Result<Option<Role>> {
    let row: Option<(String,)> = session
        .optional(
            "select role from team_members where team_id = $1 and user_id = $2",
            values![team, user],
        )
        .await?;
    row.map(|(role,)| stored::word("a role", &role, Role::parse))
        .transpose()
}

async fn check_other_owner(session: &mut Session, team: &TeamId, user: &UserId) -> Result<()> {
    let (others,): (i64,) = session
        .one(
            "select count(*) from team_members where team_id = $1 and role = 'owner' and user_id <> $2",
            values![team, user],
        )
        .await?;
    if others > 0 {
        return Ok(());
    }
    Err(StoreError::Conflict(
        "This is the team\u{2019}s only owner, and a team always has one. Make somebody else an owner first."
            .to_owned(),
    ))
}

pub(crate) fn check_given(by: Role, role: Role) -> Result<()> {
    if by.may_give(role) {
        return Ok(());
    }
    Err(StoreError::Conflict(match role {
        Role::Owner => "Only an owner of the team makes and unmakes owners. Ask one.".to_owned(),
        _ => "Only an admin or an owner of the team changes its members. Ask one.".to_owned(),
    }))
}

fn not_in_it() -> StoreError {
    StoreError::NotFound("There is nobody like that in the team. Did they leave already?".to_owned())
}

/// Says whose membership is changed.
async fn concerns(session: &mut Session, team: &TeamId, user: &UserId) -> Result<()> {
    let name: Option<(String,)> = session
        .optional("select name from users where id = $1", values![user])
        .await?;
    let name = name.map(|(name,)| name).unwrap_or_default();
    crate::concerns("account", user.as_str(), &name);
    crate::detail("team", team.as_str());
    Ok(())
}
