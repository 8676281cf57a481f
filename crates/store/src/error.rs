//! Why the store did not do what it was asked, as sentences for people.

use model::Invalid;
use sqlx::error::{DatabaseError, ErrorKind};

/// A refusal or a failure of the store. Its text is one sentence or two: what
/// happened, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand: a name is taken, a run goes on.
    #[error("{0}")]
    Conflict(String),
    /// Another server drives the run now.
    #[error("{0}")]
    Fenced(String),
    /// The team's budget is used up.
    #[error("{0}")]
    OverBudget(String),
    /// What was given breaks one of the domain's rules.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database was made by a newer Pitlane.
    #[error("{0}")]
    TooNew(String),
    /// The database cannot be used now: unreachable, locked, full, read-only, damaged.
    #[error("{sentence}")]
    Unavailable {
        /// What happened and what to do.
        sentence: String,
        /// What the driver said.
        #[source]
        cause: Option<sqlx::Error>,
    },
}

impl StoreError {
    pub(crate) fn unavailable(sentence: impl Into<String>) -> Self {
        Self::Unavailable {
            sentence: sentence.into(),
            cause: None,
        }
    }

    fn breaks(&self, rule: &ErrorKind) -> bool {
        let Self::Unavailable {
            cause: Some(sqlx::Error::Database(error)),
            ..
        } = self
        else {
            return false;
        };
        std::mem::discriminant(&error.kind()) == std::mem::discriminant(rule)
    }

    /// This error, or another when it says that a value that must be unique exists.
    pub(crate) fn or_if_taken(self, other: impl FnOnce() -> Self) -> Self {
        if self.breaks(&ErrorKind::UniqueViolation) {
            other()
        } else {
            self
        }
    }

    /// This error, or another when it says that what a row refers to is not there.
    pub(crate) fn or_if_missing(self, other: impl FnOnce() -> Self) -> Self {
        if self.breaks(&ErrorKind::ForeignKeyViolation) {
            other()
        } else {
            self
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable {
            sentence: sentence(&error),
            cause: Some(error),
        }
    }
}

/// What an error of the driver means, and what to do about it.
pub(crate) fn sentence(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => {
            "The database is busy: no connection became free in time. Try again in a moment.".to_owned()
        }
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            "The database is closed, because Pitlane is shutting down.".to_owned()
        }
        sqlx::Error::Io(error) => {
            format!(
                "The database cannot be reached: {error}. Check that it is running and that its address is right."
            )
        }
        sqlx::Error::Tls(error) => format!("The encrypted connection to the database failed: {error}."),
        sqlx::Error::Configuration(error) => {
            format!("The database\u{2019}s address cannot be used: {error}.")
        }
        sqlx::Error::Database(error) => known(error.as_ref()).map_or_else(
            || format!("The database refused a request: {}.", error.message()),
            str::to_owned,
        ),
        error => format!("The database gave an answer that cannot be used: {error}."),
    }
}

fn known(error: &dyn DatabaseError) -> Option<&'static str> {
    let code = error.code()?;
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte is the kind of error, the others say more.
        return known_of_sqlite(code.parse::<i32>().ok()? & 0xff);
    }
    Some(match &*code {
        "53100" => "The disk of the database is full, so nothing was saved. Free some space and try again.",
        "53300" => {
            "The database has no connection left for Pitlane. Close other programs that use it, or raise its max_connections."
        }
        "28P01" | "28000" => "The database refused Pitlane\u{2019}s user or password. Check DATABASE_URL.",
        "3D000" => "The database that DATABASE_URL names does not exist. Create it, or name another.",
        "42501" => {
            "The database refused, because Pitlane\u{2019}s user lacks a right on it. Make that user the database\u{2019}s owner."
        }
        "25006" => "The database is read-only. Is it a replica? Name the primary in DATABASE_URL.",
        "25P03" => "The database gave up a change that stood still for too long. Try again.",
        "40001" | "40P01" => "The database was changed by somebody else at the same moment. Try again.",
        "57P01" | "57P02" | "57P03" => "The database is starting or shutting down. Try again in a moment.",
        _ => return None,
    })
}

/// See <https://www.sqlite.org/rescode.html>.
fn known_of_sqlite(kind: i32) -> Option<&'static str> {
    Some(match kind {
        5 | 6 => "The database is locked by another program for too long. End that program and try again.",
        8 => "The database cannot be written: its file or folder is read-only. Check their permissions.",
        10 => "The disk that holds the database failed to read or write. Check the disk.",
        11 | 26 => {
            "The database file is damaged or is not a database. Restore it from a backup, or move it away to start afresh."
        }
        13 => {
            "The disk that holds the database is full, so nothing was saved. Free some space and try again."
        }
        14 => {
            "The database file cannot be opened. Check that its folder exists and that Pitlane may write there."
        }
        _ => return None,
    })
}
