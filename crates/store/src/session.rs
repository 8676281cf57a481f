//! One way to run a statement on either database: the text is written once,
//! with `$1`, `$2`, which both understand, and a row is read into the same
//! type from both.
//!
//! A writing session is a transaction; one that is dropped before
//! [`Session::commit`] has changed nothing. It is begun and ended by statements
//! of our own, because a request may be given up at any await (the browser goes
//! away), and the driver's transactions then leave their connection behind in
//! the middle of one: PostgreSQL's when BEGIN was on its way, SQLite's when the
//! database had rolled back by itself, as it does when the disk is full. Here
//! whatever was not committed is rolled back before the connection is used again.

use crate::{
    Result, Store,
    database::Database,
    value::{Value, without_nul},
};
use sqlx::{
    Executor as _, FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, pool::PoolConnection,
    postgres::PgRow, sqlite::SqliteRow,
};

/// A type that a row of either database is read into.
pub(crate) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A connection, or a transaction on one.
pub(crate) struct Session {
    /// Taken out only when the session ends.
    pooled: Option<Pooled>,
    /// Whether a transaction may be open on it.
    open: bool,
}

enum Pooled {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Binds all values to a query of either database.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match *value {
                Value::Text(text) => query.bind(text.map(without_nul)),
                Value::Number(number) => query.bind(number),
                Value::Flag(flag) => query.bind(flag),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}

impl Store {
    /// A session that only reads.
    pub(crate) async fn reader(&self) -> Result<Session> {
        let pooled = match &self.database {
            Database::Sqlite { readers, .. } => Pooled::Sqlite(readers.acquire().await?),
            Database::Postgres(pool) => Pooled::Postgres(pool.acquire().await?),
        };
        Ok(Session {
            pooled: Some(pooled),
            open: false,
        })
    }

    /// A transaction that writes. SQLite's takes the write lock at once: one
    /// that read first and then asked for it would fail instead of waiting.
    pub(crate) async fn writer(&self) -> Result<Session> {
        let (pooled, begin) = match &self.database {
            Database::Sqlite { writer, .. } => (Pooled::Sqlite(writer.acquire().await?), "begin immediate"),
            Database::Postgres(pool) => (Pooled::Postgres(pool.acquire().await?), "begin"),
        };
        // Open before it begins: given up on its way, it is rolled back too.
        let mut session = Session {
            pooled: Some(pooled),
            open: true,
        };
        session.pooled().control(begin).await?;
        Ok(session)
    }
}

impl Pooled {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection),
            Self::Postgres(connection) => Connection::Postgres(connection),
        }
    }

    /// Begins or ends a transaction.
    async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self.connection() {
            Connection::Sqlite(connection) => connection.execute(sql).await.map(|_| ()),
            Connection::Postgres(connection) => connection.execute(sql).await.map(|_| ()),
        }
    }

    /// Ends what may be open, so that the connection can be used again.
    async fn roll_back(mut self) {
        let Err(error) = self.control("rollback").await else {
            return;
        };
        match self {
            // It says so when nothing was open any more. Nor may the one
            // connection of a database in memory ever be closed.
            Self::Sqlite(_) => tracing::debug!(%error, "nothing to roll back"),
            Self::Postgres(connection) => {
                tracing::warn!(%error, "a transaction could not be rolled back; its connection is closed");
                // The server rolls back when the connection ends, however it does.
                let _ = connection.close().await;
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(pooled) = self.pooled.take_if(|_| self.open) else {
            return;
        };
        // Without a runtime the process is about to end, and with it the transaction.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(pooled.roll_back());
        }
    }
}

impl Session {
    fn pooled(&mut self) -> &mut Pooled {
        self.pooled
            .as_mut()
            .expect("the connection is there until the session ends")
    }

    fn connection(&mut self) -> Connection<'_> {
        self.pooled().connection()
    }

    /// Whether it is PostgreSQL's, where transactions are not alone.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.pooled, Some(Pooled::Postgres(_)))
    }

    /// Runs a statement, and gives the number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        Ok(match self.connection() {
            Connection::Sqlite(connection) => bound!(sqlx::query(sql), values)
                .execute(connection)
                .await?
                .rows_affected(),
            Connection::Postgres(connection) => bound!(sqlx::query(sql), values)
                .execute(connection)
                .await?
                .rows_affected(),
        })
    }

    /// All rows.
    pub(crate) async fn all<R: Record>(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<R>> {
        Ok(match self.connection() {
            Connection::Sqlite(connection) => {
                bound!(sqlx::query_as(sql), values).fetch_all(connection).await?
            }
            Connection::Postgres(connection) => {
                bound!(sqlx::query_as(sql), values).fetch_all(connection).await?
            }
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn optional<R: Record>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<R>> {
        Ok(match self.connection() {
            Connection::Sqlite(connection) => {
                bound!(sqlx::query_as(sql), values)
                    .fetch_optional(connection)
                    .await?
            }
            Connection::Postgres(connection) => {
                bound!(sqlx::query_as(sql), values)
                    .fetch_optional(connection)
                    .await?
            }
        })
    }

    /// The first row of a statement that always gives one.
    pub(crate) async fn one<R: Record>(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<R> {
        self.optional(sql, values)
            .await?
            .ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Makes what was written last, together with the record of whose doing it is.
    pub(crate) async fn commit(mut self) -> Result<()> {
        let doing = crate::doing::unrecorded().filter(|_| self.open);
        if let Some(doing) = &doing {
            self.record(doing).await?;
        }
        self.commit_apart().await?;
        if let Some(doing) = doing {
            doing.is_in_the_record();
        }
        Ok(())
    }

    /// Makes what was written last, which is not itself what somebody does: a step on the way to it, or
    /// a note of Pitlane's own.
    pub(crate) async fn commit_apart(mut self) -> Result<()> {
        if self.open {
            self.pooled().control("commit").await?;
            self.open = false;
        }
        Ok(())
    }
}
