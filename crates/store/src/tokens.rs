//! The tokens of programs. Only their hash is kept; a token that is revoked is
//! forgotten at once.

use crate::{Result, Store, StoreError, stored, value::values};
use model::{Millis, NewToken, Token, TokenId, User, UserId, token::MOST};

/// How exact the time of the last use is: not every request writes.
const USE_MILLISECONDS: i64 = 60_000;
const DAY_MILLISECONDS: i64 = 24 * 3600 * 1000;

macro_rules! columns {
    () => {
        "id, user_id, name, scopes, created_at, expires_at, used_at"
    };
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    user_id: String,
    name: String,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
}

impl TokenRow {
    fn read(self) -> Result<Token> {
        Ok(Token {
            id: stored::text("the id of a token", self.id)?,
            name: self.name,
            scopes: stored::json("the scopes of a token", &self.scopes)?,
            created_at: Millis(self.created_at),
            expires_at: stored::time(self.expires_at),
            used_at: stored::time(self.used_at),
        })
    }
}

impl Store {
    /// Keeps a new token of this account, by the hash of its text.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule, `Conflict` when the account has as many as it may, `NotFound` when
    /// there is no such account.
    pub async fn create_token(&self, user: &UserId, new: NewToken, sha256: &str) -> Result<Token> {
        let new = new.check()?;
        let mut session = self.writer().await?;
        let (count,): (i64,) = session
            .one("select count(*) from tokens where user_id = $1", values![user])
            .await?;
        if stored::size(count) >= MOST as u64 {
            return Err(StoreError::Conflict(format!(
                "There are {count} tokens of this account, as many as it may have. Revoke one first."
            )));
        }
        let now = Millis::now();
        let token = Token {
            id: TokenId::generate(),
            name: new.name,
            scopes: new.scopes,
            created_at: now,
            expires_at: new
                .days
                .map(|days| Millis(now.0 + i64::from(days) * DAY_MILLISECONDS)),
            used_at: None,
        };
        session
            .execute(
                "insert into tokens (id, user_id, name, sha256, scopes, created_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                values![
                    &token.id,
                    user,
                    &token.name,
                    sha256,
                    &stored::to_json(&token.scopes),
                    token.created_at,
                    token.expires_at
                ],
            )
            .await
            .map_err(|error| {
                error.or_if_missing(|| StoreError::NotFound(format!("There is no account {user}.")))
            })?;
        session.commit().await?;
        Ok(token)
    }

    /// The tokens of an account, newest first; those that are over too.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_tokens(&self, user: &UserId) -> Result<Vec<Token>> {
        let rows: Vec<TokenRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from tokens where user_id = $1 order by created_at desc, id desc"
                ),
                values![user],
            )
            .await?;
        rows.into_iter().map(TokenRow::read).collect()
    }

    /// Revokes a token of an account.
    ///
    /// # Errors
    /// `NotFound` when the account has no such token.
    pub async fn revoke_token(&self, user: &UserId, id: &TokenId) -> Result<()> {
        let mut session = self.writer().await?;
        let revoked = session
            .execute(
                "delete from tokens where id = $1 and user_id = $2",
                values![id, user],
            )
            .await?;
        if revoked == 0 {
            return Err(StoreError::NotFound(
                "There is no such token. Was it revoked already?".to_owned(),
            ));
        }
        session.commit().await
    }

    /// The token whose text has this hash and which is not over, with its account; notes that it was used.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn use_token(&self, sha256: &str) -> Result<Option<(User, Token)>> {
        let row: Option<TokenRow> = self
            .reader()
            .await?
            .optional(
                concat!("select ", columns!(), " from tokens where sha256 = $1"),
                values![sha256],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let user: UserId = stored::text("the id of an account", row.user_id.clone())?;
        let token = row.read()?;
        let now = Millis::now();
        if token.is_over(now) {
            return Ok(None);
        }
        if token
            .used_at
            .is_none_or(|used| used.0 + USE_MILLISECONDS <= now.0)
        {
            let mut session = self.writer().await?;
            session
                .execute(
                    "update tokens set used_at = $2 where id = $1",
                    values![&token.id, now],
                )
                .await?;
            session.commit().await?;
        }
        match self.user(&user).await {
            Ok(user) => Ok(Some((user, token))),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a token can still be used.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_token_good(&self, id: &TokenId) -> Result<bool> {
        let row: Option<(Option<i64>,)> = self
            .reader()
            .await?
            .optional("select expires_at from tokens where id = $1", values![id])
            .await?;
        Ok(row.is_some_and(|(expires,)| expires.is_none_or(|expires| expires > Millis::now().0)))
    }
}
