//! All rows of a database as they are at one moment, while servers go on
//! writing: one transaction that only reads. On PostgreSQL it is of the level
//! repeatable read; on SQLite a reader of a database in WAL mode sees what was
//! there when it began.

use super::row::{Cell, Column, Contents, Kind, encode};
use crate::{
    Result, Store, StoreError,
    database::{Database, newest_migration},
};
use futures::TryStreamExt as _;
use sqlx::{Postgres, Row as _, Sqlite, pool::PoolConnection, postgres::PgRow, sqlite::SqliteRow};

/// A transaction that reads, or, in a [`super::Filling`], writes.
pub(super) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// Runs a statement without values, on either database.
macro_rules! run {
    ($connection:expr, $sql:expr) => {
        match $connection {
            Connection::Sqlite(connection) => sqlx::query($sql)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected()),
            Connection::Postgres(connection) => sqlx::query($sql)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected()),
        }
    };
}
pub(super) use run;

/// Reads pairs of text, on either database.
macro_rules! rows {
    ($connection:expr, $sql:expr $(, $value:expr)*) => {
        match $connection {
            Connection::Sqlite(connection) => sqlx::query_as($sql)$(.bind($value))*.fetch_all(&mut **connection).await,
            Connection::Postgres(connection) => sqlx::query_as($sql)$(.bind($value))*.fetch_all(&mut **connection).await,
        }
    };
}
pub(super) use rows;

/// The rows of one moment, until it is dropped.
pub struct Snapshot(Connection);

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl Store {
    /// Takes one.
    ///
    /// # Errors
    /// When the database cannot be used, or its tables are of another version.
    pub async fn snapshot_all(&self) -> Result<Snapshot> {
        let mut connection = match &self.database {
            Database::Sqlite { readers, .. } => Connection::Sqlite(readers.acquire().await?),
            Database::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        };
        connection.close_on_drop();
        match &mut connection {
            Connection::Sqlite(_) => run!(&mut connection, "begin")?,
            Connection::Postgres(_) => {
                run!(
                    &mut connection,
                    "begin isolation level repeatable read, read only"
                )?;
                // Writing a large backup may take longer than a transaction of a server may stand still.
                run!(
                    &mut connection,
                    "set local idle_in_transaction_session_timeout = 0"
                )?
            }
        };
        let version = connection.version().await?;
        if version != newest_migration() {
            return Err(StoreError::unavailable(format!(
                "The database is at version {version}, and this program is made for version {}. Use the Pitlane that serves this database.",
                newest_migration()
            )));
        }
        Ok(Snapshot(connection))
    }
}

impl Snapshot {
    /// The columns of a table.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn columns(&mut self, table: &str) -> Result<Vec<Column>> {
        self.0.columns(table).await
    }

    /// Hands each row of a table on; gives what it holds.
    ///
    /// # Errors
    /// When the database cannot be used, or a row is not taken.
    pub async fn each(
        &mut self,
        table: &str,
        columns: &[Column],
        take: impl AsyncFnMut(Vec<Cell>) -> Result<()>,
    ) -> Result<Contents> {
        self.0.each(table, columns, take).await
    }
}

impl Connection {
    /// However this ends, nobody gets the connection in the middle of a transaction.
    pub(super) fn close_on_drop(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }

    pub(super) async fn version(&mut self) -> Result<i64> {
        let rows: Vec<(i64,)> = rows!(
            self,
            "select coalesce(max(version), 0) from _sqlx_migrations where success = true"
        )?;
        Ok(rows.first().map_or(0, |(version,)| *version))
    }

    pub(super) async fn columns(&mut self, table: &str) -> Result<Vec<Column>> {
        let sql = match self {
            Self::Sqlite(_) => "select name, type from pragma_table_info($1) order by name",
            Self::Postgres(_) => {
                // Narrower numbers than SQLite's would be read in another way.
                "select column_name::text,
                 case when data_type in ('integer', 'smallint', 'real') then 'narrow ' || data_type else data_type::text end
                 from information_schema.columns
                 where table_schema = current_schema() and table_name = $1 order by column_name collate \"C\""
            }
        };
        let rows: Vec<(String, String)> = rows!(self, sql, table)?;
        if rows.is_empty() {
            return Err(StoreError::unavailable(format!(
                "The database has no table {table}. Use the Pitlane that made it."
            )));
        }
        rows.into_iter()
            .map(|(name, kind)| match Kind::parse(&kind) {
                Some(kind) => Ok(Column { name, kind }),
                None => Err(StoreError::unavailable(format!(
                    "The column {name} of {table} is of type {kind}, which this program cannot copy."
                ))),
            })
            .collect()
    }

    pub(super) async fn each(
        &mut self,
        table: &str,
        columns: &[Column],
        mut take: impl AsyncFnMut(Vec<Cell>) -> Result<()>,
    ) -> Result<Contents> {
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let sql = format!("select {} from {}", names.join(", "), quoted(table));
        let (mut contents, mut row) = (Contents::default(), Vec::new());
        let mut each = async |cells: Vec<Cell>| -> Result<()> {
            row.clear();
            encode(&cells, &mut row);
            contents.add(&row);
            take(cells).await
        };
        match self {
            Self::Sqlite(connection) => {
                let mut rows = sqlx::query(&sql).fetch(&mut **connection);
                while let Some(row) = rows.try_next().await? {
                    each(of_sqlite(&row, columns)?).await?;
                }
            }
            Self::Postgres(connection) => {
                let mut rows = sqlx::query(&sql).fetch(&mut **connection);
                while let Some(row) = rows.try_next().await? {
                    each(of_postgres(&row, columns)?).await?;
                }
            }
        }
        Ok(contents)
    }
}

/// A name in SQL: ours are plain, and a backup may have been made by anybody.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

macro_rules! cells {
    ($row:expr, $columns:expr) => {
        $columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                Ok(match column.kind {
                    Kind::Text => $row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
                    Kind::Number => $row.try_get::<Option<i64>, _>(at)?.map(Cell::Number),
                    Kind::Real => $row.try_get::<Option<f64>, _>(at)?.map(Cell::Real),
                    Kind::Flag => $row.try_get::<Option<bool>, _>(at)?.map(Cell::Flag),
                    Kind::Bytes => $row.try_get::<Option<Vec<u8>>, _>(at)?.map(Cell::Bytes),
                }
                .unwrap_or(Cell::Null))
            })
            .collect()
    };
}

fn of_sqlite(row: &SqliteRow, columns: &[Column]) -> Result<Vec<Cell>> {
    cells!(row, columns)
}

fn of_postgres(row: &PgRow, columns: &[Column]) -> Result<Vec<Cell>> {
    cells!(row, columns)
}
