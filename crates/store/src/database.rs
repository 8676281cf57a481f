//! Opening a database, and its pools.

use crate::Result;
use sqlx::{PgPool, SqlitePool};

/// The database. Cheap to clone; all clones share its pools.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
}

#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// The pools, for libraries that keep tables of their own in the same database.
#[derive(Clone, Copy, Debug)]
pub enum Pools<'a> {
    /// SQLite's one writing connection.
    Sqlite(&'a SqlitePool),
    /// PostgreSQL's pool.
    Postgres(&'a PgPool),
}

impl Store {
    /// Opens `sqlite://path/pitlane.db` (made when it is not there), `sqlite::memory:` (private, gone
    /// when the store is dropped) or `postgres://…`, and brings its tables up to date.
    ///
    /// # Errors
    /// When the database cannot be reached or used, or was made by a newer Pitlane.
    pub async fn open(url: &str) -> Result<Self> {
        let _ = url;
        todo!()
    }

    /// The pools, for the store of sessions.
    #[must_use]
    pub fn pools(&self) -> Pools<'_> {
        match &self.database {
            Database::Sqlite { writer, .. } => Pools::Sqlite(writer),
            Database::Postgres(pool) => Pools::Postgres(pool),
        }
    }

    /// Asks the database a question with a trivial answer, for readiness checks.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<()> {
        todo!()
    }

    /// Closes all connections; SQLite's file is left complete, without a journal beside it.
    pub async fn close(&self) {
        todo!()
    }
}
