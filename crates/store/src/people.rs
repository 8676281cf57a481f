//! New people: an account with what signs it in and the team it is in, made in
//! one piece.

use crate::{Identity, Result, Store, StoreError, members, session::Session, teams, users, value::values};
use model::{InstanceRole, Millis, Role, TeamId, User, UserId};

/// Somebody new.
#[derive(Clone, Copy, Debug)]
pub struct NewPerson<'p> {
    /// What they are called here.
    pub name: &'p str,
    /// The hash of their password, if one signs them in.
    pub password_hash: Option<&'p str>,
    /// Who they are to a provider, if one signs them in.
    pub identity: Option<Identity<'p>>,
    /// The team they join.
    pub team: &'p TeamId,
    /// What they are in it.
    pub role: Role,
}

impl Store {
    /// The team of this name that new people join; the first one when none is named.
    ///
    /// # Errors
    /// `NotFound` when there is no such team.
    pub async fn team_to_join(&self, name: Option<&str>) -> Result<TeamId> {
        let Some(name) = name else {
            return Ok(TeamId::first());
        };
        let wanted = name.trim().to_lowercase();
        let teams = self.teams().await?;
        let found = teams.into_iter().find(|team| team.name.to_lowercase() == wanted);
        found.map(|team| team.id).ok_or_else(|| {
            StoreError::NotFound(format!(
                "There is no team \u{201c}{name}\u{201d} for new people. Ask an administrator to make it, or to name another."
            ))
        })
    }

    /// Makes the account of a new person in a team.
    ///
    /// # Errors
    /// `Conflict` when the name or the identity is taken, `Invalid` when the name cannot be one, `NotFound`
    /// when there is no such team.
    pub async fn create_person(&self, new: NewPerson<'_>) -> Result<User> {
        let mut session = self.writer().await?;
        let id = insert(&mut session, new).await?;
        session.commit().await?;
        self.user(&id).await
    }
}

/// Makes the account in a transaction that goes on.
pub(crate) async fn insert(session: &mut Session, new: NewPerson<'_>) -> Result<UserId> {
    let name = users::checked_name(new.name)?;
    let (id, now) = (UserId::generate(), Millis::now());
    session
        .execute(
            "insert into users (id, name, role, password_hash, created_at) values ($1, $2, $3, $4, $5)",
            values![&id, name, InstanceRole::Person.as_str(), new.password_hash, now],
        )
        .await
        .map_err(|error| error.or_if_taken(|| users::taken(name)))?;
    if let Some(identity) = new.identity {
        crate::identities::insert(session, &id, identity).await?;
    }
    teams::lock(session, new.team).await?;
    members::insert(session, new.team, &id, new.role).await?;
    Ok(id)
}
