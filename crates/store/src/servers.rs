//! The servers on one database, their leases, and which of them drives a run.
//! All times are the database's own.

use crate::{Hold, Result, Store, stored, value::values};
use model::RunId;
use std::time::Duration;

/// How long a server that is gone is remembered, in milliseconds.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// A server, as its database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Of this process alone.
    pub id: String,
    /// The same after a restart of the same server: whoever had it before is gone.
    pub name: String,
    /// Whose provider it uses. Servers with the same share their sandboxes, so one can take over the
    /// runs of another; those with an engine of their own each cannot.
    pub instance: String,
    /// How long others wait for it before they take its runs over.
    pub lease: Duration,
}

/// What a renewal found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Whether the lease had ended before: runs may have been taken over meanwhile.
    pub lapsed: bool,
    /// How many other servers are alive.
    pub others: u64,
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Store {
    /// Announces a server. Earlier ones of its name are gone, and on SQLite all others, since a
    /// database that was held for one server has no second.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn register_server(&self, server: &Replica) -> Result<()> {
        let mut session = self.writer().await?;
        if session.is_postgres() {
            session
                .execute(
                    "delete from servers where name = $1 or lease_until < (select now from clock) - $2",
                    values![&server.name, REMEMBERED],
                )
                .await?;
        } else {
            session.execute("delete from servers", &[]).await?;
        }
        session
            .execute(
                "insert into servers (id, name, lease_until)
                 select $1, $2, now + $3 from clock",
                values![&server.id, &server.name, milliseconds(server.lease)],
            )
            .await?;
        session.commit().await
    }

    /// Renews a server's lease, also one that has ended.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn renew_server(&self, server: &Replica) -> Result<Renewed> {
        let mut session = self.writer().await?;
        let (live, others): (i64, i64) = session
            .one(
                "select (select count(*) from servers where id = $1 and lease_until >= now),
                 (select count(*) from servers where id <> $1 and lease_until >= now) from clock",
                values![&server.id],
            )
            .await?;
        session
            .execute(
                "insert into servers (id, name, lease_until) select $1, $2, now + $3 from clock where true
                 on conflict (id) do update set lease_until = excluded.lease_until",
                values![&server.id, &server.name, milliseconds(server.lease)],
            )
            .await?;
        session.commit().await?;
        Ok(Renewed {
            lapsed: live == 0,
            others: stored::size(others),
        })
    }

    /// Ends a server's lease: others may take its runs over at once.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn leave_server(&self, server: &Replica) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute("delete from servers where id = $1", values![&server.id])
            .await?;
        session.commit().await
    }

    /// Gives a server all unfinished runs of its provider that no living server holds.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn take_left_runs(&self, server: &Replica) -> Result<Vec<Hold>> {
        let mut session = self.writer().await?;
        let taken: Vec<(String, i64)> = session
            .all(
                "update runs set holder = $1, fence = fence + 1
                 where finished = false and instance = $2 and (holder is null or not exists
                   (select 1 from servers, clock where servers.id = runs.holder and lease_until >= now))
                 returning id, fence",
                values![&server.id, &server.instance],
            )
            .await?;
        session.commit().await?;
        taken
            .into_iter()
            .map(|(run, fence)| {
                Ok(Hold {
                    run: stored::text("the id of a run", run)?,
                    fence,
                })
            })
            .collect()
    }

    /// The unfinished runs a server holds.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn held_runs(&self, server: &Replica) -> Result<Vec<RunId>> {
        let rows: Vec<(String,)> = self
            .reader()
            .await?
            .all(
                "select id from runs where finished = false and holder = $1",
                values![&server.id],
            )
            .await?;
        rows.into_iter()
            .map(|(run,)| stored::text("the id of a run", run))
            .collect()
    }

    /// The server that drives a run, or did when it ended; none when there is no such run.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn holder_of(&self, run: &RunId) -> Result<Option<String>> {
        let row: Option<(Option<String>,)> = self
            .reader()
            .await?
            .optional("select holder from runs where id = $1", values![run])
            .await?;
        Ok(row.and_then(|(holder,)| holder))
    }

    /// Whether a run is there and has not ended, whoever drives it.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_unfinished(&self, run: &RunId) -> Result<bool> {
        let row: Option<(i64,)> = self
            .reader()
            .await?
            .optional(
                "select fence from runs where id = $1 and finished = false",
                values![run],
            )
            .await?;
        Ok(row.is_some())
    }

    /// The installation's name at the provider, for servers that share one: the one given here when
    /// there is none yet.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn installation(&self, proposed: &str) -> Result<String> {
        let mut session = self.writer().await?;
        session
            .execute(
                "insert into installation (id, name) values (1, $1) on conflict (id) do nothing",
                values![proposed],
            )
            .await?;
        let (name,) = session
            .one("select name from installation where id = 1", &[])
            .await?;
        session.commit().await?;
        Ok(name)
    }

    /// Notes whose provider the rows are at that were written before that was noted.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn adopt(&self, instance: &str) -> Result<()> {
        let mut session = self.writer().await?;
        for sql in [
            "update runs set instance = $1 where instance is null and finished = false",
            "update sandboxes set instance = $1 where instance is null and state <> 'deleted'",
        ] {
            session.execute(sql, values![instance]).await?;
        }
        session.commit().await
    }
}
