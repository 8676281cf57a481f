//! What an administrator does to accounts: sees them all, disables one for a
//! while, deletes one for good. Either ends its sessions and tokens in the same
//! transaction; what it made belongs to a team, and stays.

use crate::{
    Result, Store, StoreError, account_sessions::SESSION_MILLISECONDS, session::Session, stored, users,
    value::values,
};
use model::{Account, Millis, UserId};

#[derive(sqlx::FromRow)]
struct AccountRow {
    id: String,
    created_at: i64,
    disabled_at: Option<i64>,
    used_at: Option<i64>,
    sessions: i64,
    tokens: i64,
}

impl Store {
    /// All accounts that were not deleted, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let rows: Vec<AccountRow> = self
            .reader()
            .await?
            .all(
                "select u.id, u.created_at, u.disabled_at,
                 (select max(s.used_at) from sessions s where s.user_id = u.id) as used_at,
                 (select count(*) from sessions s where s.user_id = u.id and s.used_at > $1) as sessions,
                 (select count(*) from tokens t where t.user_id = u.id) as tokens
                 from users u where u.deleted_at is null order by u.created_at, u.id",
                values![Millis::now().0 - SESSION_MILLISECONDS],
            )
            .await?;
        let mut users = self.users().await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            let id: UserId = stored::text("the id of an account", row.id)?;
            // One that was deleted between the two looks is left out.
            let Some(place) = users.iter().position(|user| user.id == id) else {
                continue;
            };
            accounts.push(Account {
                user: users.swap_remove(place),
                created_at: Millis(row.created_at),
                disabled_at: stored::time(row.disabled_at),
                used_at: stored::time(row.used_at),
                sessions: stored::count(row.sessions),
                tokens: stored::count(row.tokens),
            });
        }
        Ok(accounts)
    }

    /// Whether an account may not sign in now.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn is_disabled(&self, id: &UserId) -> Result<bool> {
        let row: Option<(Option<i64>, Option<i64>)> = self
            .reader()
            .await?
            .optional(
                "select disabled_at, deleted_at from users where id = $1",
                values![id],
            )
            .await?;
        let (disabled, deleted) = row.ok_or_else(|| users::missing(id))?;
        Ok(disabled.is_some() || deleted.is_some())
    }

    /// Keeps an account from signing in, and ends its sessions, tokens and one-time links.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn disable_user(&self, id: &UserId) -> Result<()> {
        let mut session = self.writer().await?;
        let mark =
            "update users set disabled_at = coalesce(disabled_at, $2) where id = $1 and deleted_at is null";
        end_account(&mut session, id, mark).await?;
        session.commit().await
    }

    /// Lets a disabled account sign in again. Its sessions and tokens do not come back.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn enable_user(&self, id: &UserId) -> Result<()> {
        let mut session = self.writer().await?;
        let changed = session
            .execute(
                "update users set disabled_at = null where id = $1 and deleted_at is null",
                values![id],
            )
            .await?;
        if changed == 0 {
            return Err(users::missing(id));
        }
        session.commit().await
    }

    /// Deletes an account: nobody signs in to it again, it is in no team any more, and its name is free.
    /// What it made stays with the team, and goes on saying who made it.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, `Conflict` when a team would have no owner.
    pub async fn delete_user(&self, id: &UserId) -> Result<()> {
        let mut session = self.writer().await?;
        let mark =
            "update users set deleted_at = $2, password_hash = null where id = $1 and deleted_at is null";
        end_account(&mut session, id, mark).await?;
        // Two owners of a team who are deleted at the same moment wait for each other here.
        session
            .execute(
                "update teams set name = name where id in (select team_id from team_members where user_id = $1)",
                values![id],
            )
            .await?;
        let alone: Option<(String,)> = session
            .optional(
                "select t.name from team_members m join teams t on t.id = m.team_id
                 where m.user_id = $1 and m.role = 'owner' and not exists
                 (select 1 from team_members o where o.team_id = m.team_id and o.role = 'owner' and o.user_id <> $1)
                 order by t.name limit 1",
                values![id],
            )
            .await?;
        if let Some((team,)) = alone {
            return Err(StoreError::Conflict(format!(
                "This account is the only owner of the team {team}, and a team always has one. Make somebody else an owner first."
            )));
        }
        for statement in [
            "delete from team_members where user_id = $1",
            "delete from identities where user_id = $1",
        ] {
            session.execute(statement, values![id]).await?;
        }
        session.commit().await
    }
}

/// Marks an account's end, and ends with it what it is signed in with, in a transaction that goes on.
async fn end_account(session: &mut Session, id: &UserId, mark: &'static str) -> Result<()> {
    if session.execute(mark, values![id, Millis::now()]).await? == 0 {
        return Err(users::missing(id));
    }
    for statement in [
        "delete from sessions where user_id = $1",
        "delete from tokens where user_id = $1",
        "delete from sign_in_tokens where user_id = $1",
        // Nor does anybody come in any more by what they left open.
        "delete from invitations where created_by = $1 and used_at is null",
    ] {
        session.execute(statement, values![id]).await?;
    }
    Ok(())
}
