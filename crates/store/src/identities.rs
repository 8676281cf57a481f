//! Who an account is to an OpenID Connect provider: the issuer and the subject,
//! which the provider promises never to give to anybody else. An e-mail address
//! or a name may pass to another person, so neither leads to an account.

use crate::{Result, Store, StoreError, session::Session, stored, users, value::values};
use model::{Millis, User, UserId};

/// Somebody as a provider knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'i> {
    /// The provider's address.
    pub issuer: &'i str,
    /// Its name for the person.
    pub subject: &'i str,
    /// What the provider calls them, for people to read: an e-mail address or a name.
    pub label: &'i str,
}

impl Store {
    /// The account of this identity, if it is one's; notes that it was used, and what the provider
    /// calls the person now. Also when the account is disabled.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn identity_user(&self, identity: Identity<'_>) -> Result<Option<User>> {
        let mut session = self.writer().await?;
        let row: Option<(String,)> = session
            .optional(
                "update identities set used_at = $3, label = $4 where issuer = $1 and subject = $2 returning user_id",
                values![identity.issuer, identity.subject, Millis::now(), identity.label],
            )
            .await?;
        session.commit().await?;
        let Some((id,)) = row else { return Ok(None) };
        let id = stored::text("the id of an account", id)?;
        self.user(&id).await.map(Some)
    }

    /// Lets an identity sign in to an account.
    ///
    /// # Errors
    /// `Conflict` when it is another account's, `NotFound` when there is no such account.
    pub async fn link_identity(&self, user: &UserId, identity: Identity<'_>) -> Result<()> {
        let mut session = self.writer().await?;
        insert(&mut session, user, identity).await?;
        session.commit().await
    }

    /// What the provider calls an account: the labels of its identities.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn identity_labels(&self, user: &UserId) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self
            .reader()
            .await?
            .all(
                "select label from identities where user_id = $1 order by created_at, subject",
                values![user],
            )
            .await?;
        Ok(rows.into_iter().map(|(label,)| label).collect())
    }

    /// Takes an account's identities away, so that only its password signs in.
    ///
    /// # Errors
    /// `Conflict` when it has no password: nobody could sign in to it any more.
    pub async fn unlink_identities(&self, user: &UserId) -> Result<()> {
        let mut session = self.writer().await?;
        let removed = session
            .execute(
                "delete from identities where user_id = $1 and exists
                 (select 1 from users where id = $1 and password_hash is not null)",
                values![user],
            )
            .await?;
        if removed == 0 {
            return Err(StoreError::Conflict(
                "This account has no password, so it could not be signed in to any more. Set one first."
                    .to_owned(),
            ));
        }
        session.commit().await
    }
}

/// Lets an identity sign in to an account, in a transaction that goes on.
pub(crate) async fn insert(session: &mut Session, user: &UserId, identity: Identity<'_>) -> Result<()> {
    session
        .execute(
            "insert into identities (issuer, subject, user_id, label, created_at, used_at)
             values ($1, $2, $3, $4, $5, $5)",
            values![
                identity.issuer,
                identity.subject,
                user,
                identity.label,
                Millis::now()
            ],
        )
        .await
        .map_err(|error| {
            error
                .or_if_taken(|| {
                    StoreError::Conflict(
                        "This sign-in belongs to an account already. Sign out, and sign in with it."
                            .to_owned(),
                    )
                })
                .or_if_missing(|| users::missing(user))
        })?;
    Ok(())
}
