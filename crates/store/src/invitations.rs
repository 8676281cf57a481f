//! Invitations. Each is used once: the row is marked in the transaction that
//! takes somebody into the team, so that of two who come at once one gets in.

use crate::{
    Identity, NewPerson, Result, Store, StoreError, members, people, session::Session, stored, teams,
    value::values,
};
use model::{
    Invitation, InvitationId, Millis, NewInvitation, Role, Team, TeamId, User, UserId, invitation::MOST_OPEN,
};

const DAY_MILLISECONDS: i64 = 24 * 3600 * 1000;
/// How long the list goes on showing what was used or is over, in milliseconds.
const SHOWN_MILLISECONDS: i64 = 30 * DAY_MILLISECONDS;

#[derive(sqlx::FromRow)]
struct InvitationRow {
    id: String,
    team_id: String,
    role: String,
    note: String,
    created_by: String,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
    used_by: Option<String>,
}

macro_rules! selection {
    () => {
        "select i.id, i.team_id, i.role, i.note, c.name as created_by, i.created_at, i.expires_at, i.used_at,
         u.name as used_by from invitations i join users c on c.id = i.created_by
         left join users u on u.id = i.used_by "
    };
}

impl InvitationRow {
    fn read(self) -> Result<Invitation> {
        Ok(Invitation {
            id: stored::text("the id of an invitation", self.id)?,
            role: stored::word("a role", &self.role, Role::parse)?,
            note: self.note,
            created_by: self.created_by,
            created_at: Millis(self.created_at),
            expires_at: Millis(self.expires_at),
            used_at: stored::time(self.used_at),
            used_by: self.used_by,
        })
    }
}

/// How somebody new is known.
#[derive(Clone, Copy, Debug)]
pub enum Newcomer<'p> {
    /// By a name and the hash of a password.
    Password {
        /// The name.
        name: &'p str,
        /// The hash.
        hash: &'p str,
    },
    /// By a name and the provider.
    Identity {
        /// The name.
        name: &'p str,
        /// Who they are to the provider.
        identity: Identity<'p>,
    },
}

impl Store {
    /// Makes an invitation into a team, by the hash of its text. `by` is who makes it, and what they are
    /// in the team.
    ///
    /// # Errors
    /// `Conflict` when too many are open or they may not give that role, `Invalid` when it breaks a rule.
    pub async fn create_invitation(
        &self,
        team: &TeamId,
        by: (&UserId, Role),
        new: NewInvitation,
        sha256: &str,
    ) -> Result<InvitationId> {
        let new = new.check()?;
        let (user, role) = by;
        members::check_given(role, new.role)?;
        let now = Millis::now();
        let mut session = self.writer().await?;
        teams::lock(&mut session, team).await?;
        let (open,): (i64,) = session
            .one(
                "select count(*) from invitations where team_id = $1 and used_at is null and expires_at > $2",
                values![team, now],
            )
            .await?;
        if stored::count(open) >= MOST_OPEN {
            return Err(StoreError::Conflict(format!(
                "There are {open} open invitations into this team, as many as there may be. Revoke one first."
            )));
        }
        let id = InvitationId::generate();
        session
            .execute(
                "insert into invitations (id, sha256, team_id, role, note, created_by, created_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                values![
                    &id,
                    sha256,
                    team,
                    new.role.as_str(),
                    &new.note,
                    user,
                    now,
                    now.0 + i64::from(new.days) * DAY_MILLISECONDS
                ],
            )
            .await?;
        session.commit().await?;
        Ok(id)
    }

    /// The invitations into a team, newest first; those that were used or are over for a while.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_invitations(&self, team: &TeamId) -> Result<Vec<Invitation>> {
        let rows: Vec<InvitationRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    selection!(),
                    "where i.team_id = $1 and coalesce(i.used_at, i.expires_at) > $2
                     order by i.created_at desc, i.id desc"
                ),
                values![team, Millis::now().0 - SHOWN_MILLISECONDS],
            )
            .await?;
        rows.into_iter().map(InvitationRow::read).collect()
    }

    /// Revokes an invitation into a team that was not used.
    ///
    /// # Errors
    /// `NotFound` when the team has no such invitation open.
    pub async fn revoke_invitation(&self, team: &TeamId, id: &InvitationId) -> Result<()> {
        let mut session = self.writer().await?;
        let revoked = session
            .execute(
                "delete from invitations where id = $1 and team_id = $2 and used_at is null",
                values![id, team],
            )
            .await?;
        if revoked == 0 {
            return Err(StoreError::NotFound(
                "There is no such invitation. Was it used or revoked already?".to_owned(),
            ));
        }
        session.commit().await
    }

    /// The invitation whose text has this hash, and its team, as long as it can be used.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn open_invitation(&self, sha256: &str) -> Result<Option<(Invitation, Team)>> {
        let row: Option<InvitationRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    selection!(),
                    "where i.sha256 = $1 and i.used_at is null and i.expires_at > $2"
                ),
                values![sha256, Millis::now()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let team: TeamId = stored::text("the id of a team", row.team_id.clone())?;
        Ok(Some((row.read()?, self.team(&team).await?)))
    }

    /// Takes an account into the team of an invitation, which is used by that; the team.
    ///
    /// # Errors
    /// `NotFound` when it was used, is over or never was; `Conflict` when the account is in the team.
    pub async fn accept_invitation(&self, sha256: &str, user: &UserId) -> Result<TeamId> {
        let mut session = self.writer().await?;
        let (team, role) = mark(&mut session, sha256).await?;
        teams::lock(&mut session, &team).await?;
        members::insert(&mut session, &team, user, role).await?;
        note_user(&mut session, sha256, user).await?;
        session.commit().await?;
        Ok(team)
    }

    /// Makes an account for somebody new in the team of an invitation, which is used by that.
    ///
    /// # Errors
    /// `NotFound` when it was used, is over or never was; `Conflict` when the name or the identity is
    /// taken, `Invalid` when the name cannot be one.
    pub async fn accept_invitation_as_newcomer(
        &self,
        sha256: &str,
        newcomer: Newcomer<'_>,
    ) -> Result<(User, TeamId)> {
        let mut session = self.writer().await?;
        let (team, role) = mark(&mut session, sha256).await?;
        let (name, password_hash, identity) = match newcomer {
            Newcomer::Password { name, hash } => (name, Some(hash), None),
            Newcomer::Identity { name, identity } => (name, None, Some(identity)),
        };
        let new = NewPerson {
            name,
            password_hash,
            identity,
            team: &team,
            role,
        };
        let id = people::insert(&mut session, new).await?;
        note_user(&mut session, sha256, &id).await?;
        session.commit().await?;
        Ok((self.user(&id).await?, team))
    }
}

/// Uses an invitation; its team and role.
async fn mark(session: &mut Session, sha256: &str) -> Result<(TeamId, Role)> {
    let row: Option<(String, String)> = session
        .optional(
            "update invitations set used_at = $2 where sha256 = $1 and used_at is null and expires_at > $2
             returning team_id, role",
            values![sha256, Millis::now()],
        )
        .await?;
    let (team, role) = row.ok_or_else(|| {
        StoreError::NotFound(
            "This invitation was used or revoked, or is too old. Ask for a new one.".to_owned(),
        )
    })?;
    Ok((
        stored::text("the id of a team", team)?,
        stored::word("a role", &role, Role::parse)?,
    ))
}

async fn note_user(session: &mut Session, sha256: &str, user: &UserId) -> Result<()> {
    session
        .execute(
            "update invitations set used_by = $2 where sha256 = $1",
            values![sha256, user],
        )
        .await?;
    Ok(())
}
