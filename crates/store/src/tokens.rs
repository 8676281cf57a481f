//! The tokens of programs. Only their hash is kept; a token that is revoked is
//! forgotten at once.

use crate::{Result, Store, StoreError, stored, teams, value::values};
use model::{Membership, Millis, NewToken, TeamId, Token, TokenId, User, UserId, token::MOST};

/// How exact the time of the last use is: not every request writes.
const USE_MILLISECONDS: i64 = 60_000;
const DAY_MILLISECONDS: i64 = 24 * 3600 * 1000;

macro_rules! columns {
    () => {
        "id, user_id, team_id, name, scopes, created_at, expires_at, used_at"
    };
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    user_id: String,
    team_id: String,
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
            team: stored::text("the id of a team", self.team_id)?,
            name: self.name,
            scopes: stored::json("the scopes of a token", &self.scopes)?,
            created_at: Millis(self.created_at),
            expires_at: stored::time(self.expires_at),
            used_at: stored::time(self.used_at),
        })
    }
}

impl Store {
    /// Keeps a new token with which this account acts in this team, by the hash of its text.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule, `Conflict` when the account has as many as it may, `NotFound` when
    /// the account is not in the team.
    pub async fn create_token(
        &self,
        team: &TeamId,
        user: &UserId,
        new: NewToken,
        sha256: &str,
    ) -> Result<Token> {
        let new = new.check()?;
        let mut session = self.writer().await?;
        teams::lock(&mut session, team).await?;
        let member: Option<(String,)> = session
            .optional(
                "select role from team_members where team_id = $1 and user_id = $2",
                values![team, user],
            )
            .await?;
        if member.is_none() {
            return Err(StoreError::NotFound(
                "This account is not in the team, so no token of it can act there.".to_owned(),
            ));
        }
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
            team: team.clone(),
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
                "insert into tokens (id, user_id, team_id, name, sha256, scopes, created_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                values![
                    &token.id,
                    user,
                    team,
                    &token.name,
                    sha256,
                    &stored::to_json(&token.scopes),
                    token.created_at,
                    token.expires_at
                ],
            )
            .await?;
        crate::concerns("token", token.id.as_str(), &token.name);
        crate::detail("scopes", &token.scope_words());
        session.commit().await?;
        Ok(token)
    }

    /// The tokens of an account in a team, newest first; those that are over too.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_tokens(&self, team: &TeamId, user: &UserId) -> Result<Vec<Token>> {
        let rows: Vec<TokenRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from tokens where user_id = $1 and team_id = $2 order by created_at desc, id desc"
                ),
                values![user, team],
            )
            .await?;
        rows.into_iter().map(TokenRow::read).collect()
    }

    /// Revokes a token of a team: any of it, or only one of this account.
    ///
    /// # Errors
    /// `NotFound` when there is no such token in the team, or it is another account's.
    pub async fn revoke_token(&self, team: &TeamId, user: Option<&UserId>, id: &TokenId) -> Result<()> {
        let mut session = self.writer().await?;
        let revoked: Option<(String,)> = session
            .optional(
                "delete from tokens where id = $1 and (user_id = $2 or $2 is null) and team_id = $3 returning name",
                values![id, user.map(UserId::as_str), team],
            )
            .await?;
        let (name,) = revoked.ok_or_else(|| {
            StoreError::NotFound("There is no such token. Was it revoked already?".to_owned())
        })?;
        crate::concerns("token", id.as_str(), &name);
        session.commit().await
    }

    /// The token whose text has this hash and which is not over, with its account and what that is in
    /// the token's team; notes that it was used.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn use_token(&self, sha256: &str) -> Result<Option<(User, Membership, Token)>> {
        let row: Option<TokenRow> = self
            .reader()
            .await?
            .optional(
                concat!(
                    "select ",
                    columns!(),
                    " from tokens where sha256 = $1 and exists (select 1 from users u where u.id = user_id
                     and u.disabled_at is null and u.deleted_at is null)"
                ),
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
            session.commit_apart().await?;
        }
        // A token of somebody who left the team is none any more.
        Ok(match self.standing(&user, Some(&token.team)).await? {
            Some((user, Some(membership))) if membership.team.id == token.team => {
                Some((user, membership, token))
            }
            _ => None,
        })
    }

    /// Whether a token can still be used.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_token_good(&self, id: &TokenId) -> Result<bool> {
        let row: Option<(Option<i64>,)> = self
            .reader()
            .await?
            .optional(
                "select t.expires_at from tokens t join users u on u.id = t.user_id
                 where t.id = $1 and u.disabled_at is null and u.deleted_at is null",
                values![id],
            )
            .await?;
        Ok(row.is_some_and(|(expires,)| expires.is_none_or(|expires| expires > Millis::now().0)))
    }
}
