//! Accounts, and the one-time tokens that sign them in.

use crate::{Result, Store, StoreError, members, stored, value::values};
use model::{InstanceRole, Invalid, Millis, Role, TeamId, User, UserId};

/// The longest name of an account, in characters.
const MAX_NAME_CHARACTERS: usize = 80;

macro_rules! columns {
    () => {
        "id, name, role, password_hash, (select count(*) from identities where user_id = users.id) as identities"
    };
}

#[derive(sqlx::FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) password_hash: Option<String>,
    pub(crate) identities: i64,
}

impl UserRow {
    pub(crate) fn read(self) -> Result<(User, Option<String>)> {
        let user = User {
            id: stored::text("the id of an account", self.id)?,
            role: stored::word("the role of an account", &self.role, InstanceRole::parse)?,
            name: self.name,
            has_password: self.password_hash.is_some(),
            has_identity: self.identities > 0,
        };
        Ok((user, self.password_hash))
    }
}

impl Store {
    /// How many accounts there are or were; 0 on a fresh database.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn users_count(&self) -> Result<u64> {
        let (count,) = self
            .reader()
            .await?
            .one("select count(*) from users", &[])
            .await?;
        Ok(stored::size(count))
    }

    /// All accounts that were not deleted, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn users(&self) -> Result<Vec<User>> {
        let rows: Vec<UserRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from users where deleted_at is null order by created_at, id"
                ),
                &[],
            )
            .await?;
        rows.into_iter().map(|row| Ok(row.read()?.0)).collect()
    }

    /// Makes an account. The very first one owns the first team; any other is in no team yet.
    ///
    /// # Errors
    /// `Conflict` when the name is taken (letter case does not count), `Invalid` when it cannot be one.
    pub async fn create_user(
        &self,
        name: &str,
        role: InstanceRole,
        password_hash: Option<String>,
    ) -> Result<User> {
        let name = checked_name(name)?;
        let id = UserId::generate();
        let mut session = self.writer().await?;
        let (before,): (i64,) = session.one("select count(*) from users", &[]).await?;
        session
            .execute(
                "insert into users (id, name, role, password_hash, created_at) values ($1, $2, $3, $4, $5)",
                values![&id, name, role.as_str(), password_hash.as_deref(), Millis::now()],
            )
            .await
            .map_err(|error| error.or_if_taken(|| taken(name)))?;
        if before == 0 {
            members::insert(&mut session, &TeamId::first(), &id, Role::Owner).await?;
        }
        crate::concerns("account", id.as_str(), name);
        session.commit().await?;
        Ok(User {
            id,
            name: name.to_owned(),
            role,
            has_password: password_hash.is_some(),
            has_identity: false,
        })
    }

    /// The account of this id, also when it was disabled or deleted: what it made says who made it.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn user(&self, id: &UserId) -> Result<User> {
        let row: Option<UserRow> = self
            .reader()
            .await?
            .optional(
                concat!("select ", columns!(), " from users where id = $1"),
                values![id],
            )
            .await?;
        Ok(row.ok_or_else(|| missing(id))?.read()?.0)
    }

    /// The account of this name, letter case aside, with its password's hash if one is set.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, Option<String>)>> {
        let row: Option<UserRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    "select ",
                    columns!(),
                    " from users where lower(name) = lower($1) and deleted_at is null"
                ),
                values![name.trim()],
            )
            .await?;
        row.map(UserRow::read).transpose()
    }

    /// Changes an account's name.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` and `Invalid` as for [`Store::create_user`].
    pub async fn rename_user(&self, id: &UserId, name: &str) -> Result<User> {
        let name = checked_name(name)?;
        let mut session = self.writer().await?;
        let row: Option<UserRow> = session
            .optional(
                concat!("update users set name = $2 where id = $1 returning ", columns!()),
                values![id, name],
            )
            .await
            .map_err(|error| error.or_if_taken(|| taken(name)))?;
        let (user, _) = row.ok_or_else(|| missing(id))?.read()?;
        crate::concerns("account", id.as_str(), &user.name);
        session.commit().await?;
        Ok(user)
    }

    /// Sets an account's password.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn set_password(&self, id: &UserId, hash: &str) -> Result<()> {
        let mut session = self.writer().await?;
        let changed: Option<(String,)> = session
            .optional(
                "update users set password_hash = $2 where id = $1 returning name",
                values![id, hash],
            )
            .await?;
        let (name,) = changed.ok_or_else(|| missing(id))?;
        crate::concerns("account", id.as_str(), &name);
        session.commit().await
    }

    /// Keeps the hash of a one-time token of this account until `expires`. Tokens that expired are
    /// forgotten.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn create_link(
        &self,
        id: &UserId,
        purpose: LinkPurpose,
        sha256: &str,
        expires: Millis,
    ) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "delete from sign_in_tokens where expires_at <= $1",
                values![Millis::now()],
            )
            .await?;
        session
            .execute(
                "insert into sign_in_tokens (sha256, user_id, expires_at, purpose) values ($1, $2, $3, $4)",
                values![sha256, id, expires, purpose.as_str()],
            )
            .await
            .map_err(|error| error.or_if_missing(|| missing(id)))?;
        session.commit().await
    }

    /// Takes a one-time token: gives its account the first time and before it expired, none after.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn take_link(&self, purpose: LinkPurpose, sha256: &str) -> Result<Option<UserId>> {
        let mut session = self.writer().await?;
        let taken: Option<(String, i64)> = session
            .optional(
                "delete from sign_in_tokens where sha256 = $1 and purpose = $2 returning user_id, expires_at",
                values![sha256, purpose.as_str()],
            )
            .await?;
        session.commit().await?;
        taken
            .filter(|(_, expires_at)| Millis::now().0 < *expires_at)
            .map(|(id, _)| stored::text("the id of an account", id))
            .transpose()
    }

    /// Whose one-time token this is, as long as it can be taken; it is not taken by that.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn link_user(&self, purpose: LinkPurpose, sha256: &str) -> Result<Option<User>> {
        let row: Option<(String,)> = self
            .reader()
            .await?
            .optional(
                "select t.user_id from sign_in_tokens t join users u on u.id = t.user_id
                 where t.sha256 = $1 and t.purpose = $2 and t.expires_at > $3
                 and u.disabled_at is null and u.deleted_at is null",
                values![sha256, purpose.as_str(), Millis::now()],
            )
            .await?;
        let Some((id,)) = row else { return Ok(None) };
        let id = stored::text("the id of an account", id)?;
        self.user(&id).await.map(Some)
    }
}

/// What a one-time token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Signing in.
    SignIn,
    /// Choosing a new password.
    Reset,
}

impl LinkPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
        }
    }
}

pub(crate) fn missing(id: &UserId) -> StoreError {
    StoreError::NotFound(format!("There is no account {id}."))
}

pub(crate) fn taken(name: &str) -> StoreError {
    StoreError::Conflict(format!(
        "There is an account named \u{201c}{name}\u{201d} already. Choose another name."
    ))
}

pub(crate) fn checked_name(name: &str) -> Result<&str, Invalid> {
    let name = name.trim();
    let characters = name.chars().count();
    if characters == 0 {
        return Err(Invalid("An account needs a name.".to_owned()));
    }
    if characters > MAX_NAME_CHARACTERS {
        return Err(Invalid(format!(
            "The name is {characters} characters long, and {MAX_NAME_CHARACTERS} is the limit."
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Invalid(
            "The name holds a line break or another control character.".to_owned(),
        ));
    }
    Ok(name)
}
