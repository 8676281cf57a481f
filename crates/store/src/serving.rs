//! Holding a SQLite database for one server. Another command beside it may read
//! and write; a second server would drive the same runs.

use crate::{Result, Store, StoreError, database::Database};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long is waited for a server that is just ending.
const PATIENCE: Duration = Duration::from_secs(1);

/// The right to serve a database, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Serving(
    #[expect(dead_code, reason = "what it holds is locked as long as it is open")] Option<File>,
);

impl Store {
    /// Holds the database for this server. PostgreSQL is for several, and so is always free.
    ///
    /// # Errors
    /// When another server has it.
    pub async fn serve(&self) -> Result<Serving> {
        match &self.database {
            Database::Sqlite { file: Some(path), .. } => Serving::of_file(path).await,
            _ => Ok(Serving(None)),
        }
    }
}

impl Serving {
    /// Holds a SQLite database that need not be there, by its file.
    ///
    /// # Errors
    /// When a server has it.
    pub async fn of_file(path: &Path) -> Result<Self> {
        // Not the database's own file: whoever closes that drops SQLite's locks on it.
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let unusable = |error: &dyn std::fmt::Display| {
            StoreError::unavailable(format!(
                "{} cannot be locked: {error}. Check the permissions of its folder.",
                lock.display()
            ))
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(&lock)
            .map_err(|error| unusable(&error))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::unavailable(format!(
                        "Another server uses the database {}, and SQLite is for one. Stop the other, or use PostgreSQL for several servers: DATABASE_URL=postgres://\u{2026}",
                        path.display()
                    )));
                }
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
        }
    }
}
