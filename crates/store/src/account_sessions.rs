//! Where accounts are signed in. The cookie's own session only names a row of
//! this table: whoever deletes the row has signed that browser out.

use crate::{Result, Store, StoreError, stored, value::values};
use model::{AccountSession, Millis, SessionId, SignInWay, UserId, session::LONGEST_BROWSER};

/// A session ends when nobody came for so long, in milliseconds.
pub const SESSION_MILLISECONDS: i64 = 30 * 24 * 3600 * 1000;
/// How exact the time of the last use is: not every request writes.
const USE_MILLISECONDS: i64 = 60_000;
/// How many sessions an account keeps; the one that was used longest ago makes room.
const MOST: i64 = 50;

macro_rules! columns {
    () => {
        "id, browser, address, way, created_at, used_at"
    };
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: String,
    browser: String,
    address: String,
    way: String,
    created_at: i64,
    used_at: i64,
}

impl SessionRow {
    fn read(self) -> Result<AccountSession> {
        Ok(AccountSession {
            id: stored::text("the id of a session", self.id)?,
            way: stored::word("a way to sign in", &self.way, SignInWay::parse)?,
            browser: self.browser,
            address: self.address,
            created_at: Millis(self.created_at),
            used_at: Millis(self.used_at),
        })
    }
}

impl Store {
    /// Signs an account in from a browser.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, or it may not sign in.
    pub async fn create_account_session(
        &self,
        user: &UserId,
        way: SignInWay,
        browser: &str,
        address: &str,
    ) -> Result<SessionId> {
        let id = SessionId::generate();
        let now = Millis::now();
        let mut session = self.writer().await?;
        let made = session
            .execute(
                "insert into sessions (id, user_id, browser, address, way, created_at, used_at)
                 select $1, id, $3, $4, $5, $6, $6 from users
                 where id = $2 and disabled_at is null and deleted_at is null",
                values![&id, user, shortened(browser), address, way.as_str(), now],
            )
            .await?;
        if made == 0 {
            return Err(StoreError::NotFound(
                "This account cannot be signed in to: it was disabled or deleted.".to_owned(),
            ));
        }
        session
            .execute(
                "delete from sessions where used_at <= $1",
                values![now.0 - SESSION_MILLISECONDS],
            )
            .await?;
        session
            .execute(
                "delete from sessions where user_id = $1 and id not in
                 (select id from sessions where user_id = $1 order by used_at desc, id desc limit $2)",
                values![user, MOST],
            )
            .await?;
        // The record of a sign-in names the person, who is known once this is done.
        session.commit_apart().await?;
        Ok(id)
    }

    /// Whose session this is, and when it was last used; none when it ended, or its account was
    /// disabled or deleted.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn session_user(&self, id: &SessionId) -> Result<Option<(UserId, Millis)>> {
        let row: Option<(String, i64)> = self
            .reader()
            .await?
            .optional(
                "select s.user_id, s.used_at from sessions s join users u on u.id = s.user_id
                 where s.id = $1 and s.used_at > $2 and u.disabled_at is null and u.deleted_at is null",
                values![id, Millis::now().0 - SESSION_MILLISECONDS],
            )
            .await?;
        row.map(|(user, used_at)| Ok((stored::text("the id of an account", user)?, Millis(used_at))))
            .transpose()
    }

    /// Notes that a session is used, and from where; writes once a minute at most. `used_at` is what
    /// [`Store::session_user`] gave.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn touch_session(
        &self,
        id: &SessionId,
        used_at: Millis,
        browser: &str,
        address: &str,
    ) -> Result<()> {
        let now = Millis::now();
        if now.since(used_at) < USE_MILLISECONDS.unsigned_abs() {
            return Ok(());
        }
        let mut session = self.writer().await?;
        session
            .execute(
                "update sessions set used_at = $2, browser = $3, address = $4 where id = $1",
                values![id, now, shortened(browser), address],
            )
            .await?;
        session.commit().await
    }

    /// Whether a session still counts.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_session_good(&self, id: &SessionId) -> Result<bool> {
        Ok(self.session_user(id).await?.is_some())
    }

    /// Where an account is signed in, last used first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_sessions(&self, user: &UserId) -> Result<Vec<AccountSession>> {
        let rows: Vec<SessionRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from sessions where user_id = $1 and used_at > $2 order by used_at desc, id desc"
                ),
                values![user, Millis::now().0 - SESSION_MILLISECONDS],
            )
            .await?;
        rows.into_iter().map(SessionRow::read).collect()
    }

    /// Whether an account is signed in from this address, so that whoever tries from there is most
    /// likely the same person.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_known_address(&self, name: &str, address: &str) -> Result<bool> {
        let row: Option<(i64,)> = self
            .reader()
            .await?
            .optional(
                "select count(*) from sessions s join users u on u.id = s.user_id
                 where lower(u.name) = lower($1) and u.deleted_at is null and s.address = $2 and s.used_at > $3",
                values![name.trim(), address, Millis::now().0 - SESSION_MILLISECONDS],
            )
            .await?;
        Ok(row.is_some_and(|(count,)| count > 0))
    }

    /// Signs an account out of one browser.
    ///
    /// # Errors
    /// `NotFound` when the account has no such session.
    pub async fn end_session(&self, user: &UserId, id: &SessionId) -> Result<()> {
        let mut session = self.writer().await?;
        let ended = session
            .execute(
                "delete from sessions where id = $1 and user_id = $2",
                values![id, user],
            )
            .await?;
        if ended == 0 {
            return Err(StoreError::NotFound(
                "There is no such session. Did it end already?".to_owned(),
            ));
        }
        session.commit().await
    }

    /// Ends the session of whoever signs out, if it goes on.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn sign_out(&self, id: &SessionId) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute("delete from sessions where id = $1", values![id])
            .await?;
        session.commit().await
    }

    /// Signs an account out everywhere but in one browser; gives how many sessions ended.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn end_other_sessions(&self, user: &UserId, kept: Option<&SessionId>) -> Result<u64> {
        let mut session = self.writer().await?;
        let ended = session
            .execute(
                "delete from sessions where user_id = $1 and id <> $2",
                values![user, kept.map_or("", SessionId::as_str)],
            )
            .await?;
        session.commit().await?;
        Ok(ended)
    }
}

/// As much of a browser's description as is kept.
fn shortened(browser: &str) -> &str {
    let end = (0..=LONGEST_BROWSER.min(browser.len()))
        .rev()
        .find(|end| browser.is_char_boundary(*end));
    &browser[..end.unwrap_or(0)]
}
