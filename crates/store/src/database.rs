//! Opening a database, and its pools.
//!
//! SQLite runs in WAL mode with one writing connection and a few readers, so
//! that readers never wait for a writer, and writers queue in our pool rather
//! than at the file's lock. `sqlite::memory:` is SQLite's own temporary
//! database: one connection, in memory as long as it is small, and in a file
//! without a name when it grows, so that nothing is left behind, whatever happens.

use crate::{Result, StoreError, error::sentence};
use sqlx::{
    Connection as _, PgConnection, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// How long SQLite waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection of ours.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a PostgreSQL that refuses connections may take to start.
const POSTGRES_START: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a transaction of ours may do nothing, in milliseconds. A server that is paused or cut off
/// in the middle of one would keep what it has locked from the server that takes over its runs.
const IDLE_TRANSACTION_MS: &str = "5000";

/// The database. Cheap to clone; all clones share its pools.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
}

#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// None when it is in memory.
        file: Option<PathBuf>,
    },
    Postgres(PgPool),
}

/// The pools, for libraries that keep tables of their own in the same database.
#[derive(Clone, Copy, Debug)]
pub enum Pools<'a> {
    /// SQLite's one writing connection, or those that read.
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
        let database = connect(url).await?;
        match &database {
            Database::Sqlite { writer, .. } => {
                // All in one transaction, so that another process that opens the same new file waits:
                // PostgreSQL's driver takes a lock of its own for this, SQLite's does not.
                let mut transaction = writer.begin_with("begin immediate").await?;
                migrated(SQLITE.run_direct(&mut *transaction).await, &SQLITE)?;
                transaction.commit().await?;
            }
            Database::Postgres(pool) => migrated(POSTGRES.run(pool).await, &POSTGRES)?,
        }
        Ok(Self { database })
    }

    /// Opens a database that is there, and leaves its tables as they are, also when they are older: a
    /// server of that version may be using them.
    ///
    /// # Errors
    /// When the database is not there, or cannot be reached or used.
    pub async fn open_as_it_is(url: &str) -> Result<Self> {
        if let Some(path) = sqlite_file(url).filter(|path| !path.exists()) {
            return Err(StoreError::unavailable(format!(
                "There is no database at {}. Check DATABASE_URL and PITLANE_DATA.",
                path.display()
            )));
        }
        Ok(Self {
            database: connect(url).await?,
        })
    }

    /// The pools, for the store of sessions.
    #[must_use]
    pub fn pools(&self) -> Pools<'_> {
        match &self.database {
            Database::Sqlite { writer, .. } => Pools::Sqlite(writer),
            Database::Postgres(pool) => Pools::Postgres(pool),
        }
    }

    /// The pools for what only reads: on SQLite that does not wait behind those who write.
    #[must_use]
    pub fn reading_pools(&self) -> Pools<'_> {
        match &self.database {
            Database::Sqlite { readers, .. } => Pools::Sqlite(readers),
            Database::Postgres(pool) => Pools::Postgres(pool),
        }
    }

    /// Asks the database a question with a trivial answer, for readiness checks.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<()> {
        self.reader()
            .await?
            .one::<(i64,)>("select cast(1 as bigint)", &[])
            .await?;
        Ok(())
    }

    /// Closes all connections; SQLite's file is left complete, without a journal beside it.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite { writer, readers, .. } => {
                // The last connection to close folds the journal into the file, and only the writer
                // can. A pool does not wait for a connection that is just coming back.
                readers.close().await;
                let deadline = Instant::now() + Duration::from_secs(1);
                while readers.size() > 0 && Instant::now() < deadline {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                if let Ok(last) = writer.acquire().await {
                    let _ = last.close().await;
                }
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }
}

async fn connect(url: &str) -> Result<Database> {
    if let Some(path) = sqlite_path(url) {
        open_sqlite(path).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        open_postgres(url).await
    } else {
        Err(StoreError::unavailable(
            "DATABASE_URL starts with neither sqlite:// nor postgres://. Write sqlite://pitlane-data/pitlane.db, or postgres://user:password@host/database.",
        ))
    }
}

fn sqlite_path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(path.strip_suffix("?mode=rwc").unwrap_or(path))
}

/// The file of a SQLite database, from its address; none of one in memory and of others.
#[must_use]
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    sqlite_path(url)
        .filter(|path| *path != ":memory:")
        .map(PathBuf::from)
}

/// The newest version of the tables that this program knows.
pub(crate) fn newest_migration() -> i64 {
    newest(&SQLITE)
}

fn newest(migrations: &Migrator) -> i64 {
    migrations
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

async fn open_sqlite(path: &str) -> Result<Database> {
    let options = SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let pool = || {
        SqlitePoolOptions::new()
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    if path == ":memory:" {
        // The empty name is SQLite's for a temporary database; it is private
        // to its connection, so the one connection reads and writes.
        let options = options.filename("").synchronous(SqliteSynchronous::Off);
        let only = pool().max_connections(1).connect_with(options).await?;
        return Ok(Database::Sqlite {
            writer: only.clone(),
            readers: only,
            file: None,
        });
    }
    make_private(Path::new(path))?;
    let options = options
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        // A long log must not stop to copy the journal every 4 MB; nor may the
        // journal keep the size of the longest one ever.
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "33554432");
    let within = |error: sqlx::Error| StoreError::Unavailable {
        sentence: format!("{path}: {}", sentence(&error)),
        cause: Some(error),
    };
    let writer = pool()
        .max_connections(1)
        .connect_with(options.clone())
        .await
        .map_err(within)?;
    let readers = pool()
        .max_connections(SQLITE_READERS)
        .connect_with(options.pragma("query_only", "on"))
        .await
        .map_err(within)?;
    Ok(Database::Sqlite {
        writer,
        readers,
        file: Some(path.into()),
    })
}

/// Makes the file and its folder, readable for nobody else, before SQLite
/// would with the rights of any file: it holds the hashes of passwords.
fn make_private(path: &Path) -> Result<()> {
    let explained = |error: io::Error, what: &Path| {
        StoreError::unavailable(format!(
            "The database cannot be kept in {}: {} cannot be opened for writing ({}). Check its permissions, or name another path in DATABASE_URL.",
            path.display(),
            what.display(),
            error
        ))
    };
    if path.as_os_str().is_empty() {
        return Err(StoreError::unavailable(
            "DATABASE_URL names no file. Write sqlite://pitlane-data/pitlane.db.",
        ));
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
    {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| explained(error, folder))?;
    }
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| explained(error, path))?;
    Ok(())
}

async fn open_postgres(url: &str) -> Result<Database> {
    let options = url
        .parse::<PgConnectOptions>()?
        .options([("idle_in_transaction_session_timeout", IDLE_TRANSACTION_MS)]);
    await_postgres(&options).await?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await?;
    Ok(Database::Postgres(pool))
}

/// Waits a little for a server that is just being started, as both are when a
/// machine boots. The pool would wait too, but then say only that it waited.
async fn await_postgres(options: &PgConnectOptions) -> Result<()> {
    let deadline = Instant::now() + POSTGRES_START;
    loop {
        match PgConnection::connect_with(options).await {
            Ok(connection) => return Ok(connection.close().await?),
            Err(error) if is_starting(&error) && Instant::now() < deadline => {
                tracing::info!("waiting for PostgreSQL: {error}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}

/// Explains what came of the migrations.
fn migrated(outcome: Result<(), MigrateError>, ours: &Migrator) -> Result<()> {
    let newest = newest(ours);
    match outcome {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) if version > newest => Err(StoreError::TooNew(format!(
            "The database was made by a newer Pitlane: it is at version {version}, and this program knows versions up to {newest}. Update Pitlane, or name another database in DATABASE_URL."
        ))),
        Err(MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version)) => {
            Err(StoreError::unavailable(format!(
                "The database\u{2019}s version {version} is not the one this program knows; a development version of Pitlane made it. Name another database in DATABASE_URL."
            )))
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(error.into()),
        Err(error) => Err(StoreError::unavailable(format!(
            "The database\u{2019}s tables could not be made: {error}."
        ))),
    }
}
