//! One way to run a statement on either database: the text is written once,
//! with `$1`, `$2`, which both understand, and a row is read into the same
//! type from both. A writing session is a transaction; one that is dropped
//! before [`Session::commit`] has changed nothing.

use crate::{Result, Store, database::Database};
use model::Millis;
use sqlx::{
    FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, pool::PoolConnection,
    postgres::PgRow, sqlite::SqliteRow,
};
use std::borrow::Cow;

/// A type that a row of either database is read into.
pub(crate) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A value given to a statement. Each has the type its column has, also when
/// it is null: PostgreSQL wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'v> {
    Text(Option<&'v str>),
    Number(Option<i64>),
    Flag(bool),
    Bytes(&'v [u8]),
}

/// A connection, or a transaction on one.
pub(crate) enum Session {
    SqliteReader(PoolConnection<Sqlite>),
    SqliteWriter(Transaction<'static, Sqlite>),
    PostgresReader(PoolConnection<Postgres>),
    PostgresWriter(Transaction<'static, Postgres>),
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

/// PostgreSQL's text holds no NUL. A replacement character in its place is
/// legible where it is kept, and finds nothing where it is looked for.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The values of a statement: `values![id, now, None::<&str>]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::session::Value::from($value)),*] };
}
pub(crate) use values;

impl Store {
    /// A session that only reads.
    pub(crate) async fn reader(&self) -> Result<Session> {
        Ok(match &self.database {
            Database::Sqlite { readers, .. } => Session::SqliteReader(readers.acquire().await?),
            Database::Postgres(pool) => Session::PostgresReader(pool.acquire().await?),
        })
    }

    /// A transaction that writes. SQLite's takes the write lock at once: one
    /// that read first and then asked for it would fail instead of waiting.
    pub(crate) async fn writer(&self) -> Result<Session> {
        Ok(match &self.database {
            Database::Sqlite { writer, .. } => {
                Session::SqliteWriter(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Database::Postgres(pool) => Session::PostgresWriter(pool.begin().await?),
        })
    }
}

impl Session {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::SqliteReader(connection) => Connection::Sqlite(connection),
            Self::SqliteWriter(transaction) => Connection::Sqlite(transaction),
            Self::PostgresReader(connection) => Connection::Postgres(connection),
            Self::PostgresWriter(transaction) => Connection::Postgres(transaction),
        }
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

    /// Makes what was written last.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::SqliteWriter(transaction) => transaction.commit().await?,
            Self::PostgresWriter(transaction) => transaction.commit().await?,
            Self::SqliteReader(_) | Self::PostgresReader(_) => {}
        }
        Ok(())
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(Some(i64::from(number)))
    }
}

impl From<u64> for Value<'_> {
    /// Sizes and offsets; none comes near what does not fit.
    fn from(number: u64) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<Option<i32>> for Value<'_> {
    fn from(number: Option<i32>) -> Self {
        Self::Number(number.map(i64::from))
    }
}

impl From<Millis> for Value<'_> {
    fn from(at: Millis) -> Self {
        Self::Number(Some(at.0))
    }
}

impl From<Option<Millis>> for Value<'_> {
    fn from(at: Option<Millis>) -> Self {
        Self::Number(at.map(|at| at.0))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'v> From<Option<&'v str>> for Value<'v> {
    fn from(text: Option<&'v str>) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Ids and paths are stored as the text they are.
macro_rules! text_value {
    ($($name:ident),*) => {$(
        impl<'v> From<&'v model::$name> for Value<'v> {
            fn from(value: &'v model::$name) -> Self {
                Self::Text(Some(value.as_str()))
            }
        }
    )*};
}
text_value!(AgentId, FilePath, RevisionId, RunId, SandboxId, UserId);
