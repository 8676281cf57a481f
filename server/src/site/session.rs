//! The cookie's sessions, in the store's database, and the links that begin
//! one. Who is signed in, a row of the store's own table of sessions says: the
//! cookie's session names it.

use super::{Site, hosts::Hosts};
use crate::failure::Failure;
use async_trait::async_trait;
use model::UserId;
use store::{LinkPurpose, Pools, SESSION_MILLISECONDS, Store};
use tower_sessions::{
    ExpiredDeletion, Expiry, SessionManagerLayer, SessionStore,
    cookie::{SameSite, time::Duration},
    session::{Id, Record},
    session_store,
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// The signed-in browsers.
#[derive(Clone, Debug)]
pub enum Sessions {
    /// In SQLite, where each request's look at its session must not wait behind what runs write.
    Sqlite {
        /// Through the one connection that writes.
        writes: SqliteStore,
        /// Through those that read.
        reads: SqliteStore,
    },
    /// In PostgreSQL.
    Postgres(PostgresStore),
}

impl Sessions {
    /// Opens the table of sessions, making it when it is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open(store: &Store) -> Result<Self, Failure> {
        let sessions = match (store.pools(), store.reading_pools()) {
            (Pools::Sqlite(writer), Pools::Sqlite(readers)) => Self::Sqlite {
                writes: SqliteStore::new(writer.clone()),
                reads: SqliteStore::new(readers.clone()),
            },
            (Pools::Postgres(pool), _) | (_, Pools::Postgres(pool)) => {
                Self::Postgres(PostgresStore::new(pool.clone()))
            }
        };
        let migrated = match &sessions {
            Self::Sqlite { writes, .. } => writes.migrate().await,
            Self::Postgres(sessions) => sessions.migrate().await,
        };
        migrated.map_err(|error| Failure::new(format!("The table of sessions cannot be made: {error}.")))?;
        Ok(sessions)
    }

    /// Deletes sessions that ended, every hour, until the server stops.
    pub async fn delete_expired_hourly(self) {
        let mut hours = tokio::time::interval(std::time::Duration::from_secs(3600));
        loop {
            hours.tick().await;
            let deleted = match &self {
                Self::Sqlite { writes, .. } => writes.delete_expired().await,
                Self::Postgres(sessions) => sessions.delete_expired().await,
            };
            if let Err(error) = deleted {
                tracing::warn!(%error, "ended sessions could not be deleted; tried again in an hour");
            }
        }
    }
}

/// Sets and reads the cookie.
pub fn layer(site: &Site) -> SessionManagerLayer<Sessions> {
    let is_https = site.hosts.is_https();
    SessionManagerLayer::new(site.sessions.clone())
        .with_name(cookie_name(&site.hosts))
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(is_https)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::milliseconds(SESSION_MILLISECONDS)))
}

/// `__Host-` has browsers hold us to TLS, our host alone and the path `/`.
fn cookie_name(hosts: &Hosts) -> &'static str {
    if hosts.is_https() {
        "__Host-pitlane"
    } else {
        "pitlane"
    }
}

/// Makes a link that signs this account in, once, within a day; its path and query.
///
/// # Errors
/// When there is no randomness or the database refuses.
pub async fn fresh_sign_in_link(store: &Store, user: &UserId) -> Result<String, Failure> {
    fresh_link(store, user, LinkPurpose::SignIn).await
}

/// The same of a link that is good for something.
///
/// # Errors
/// When there is no randomness or the database refuses.
pub async fn fresh_link(store: &Store, user: &UserId, purpose: LinkPurpose) -> Result<String, Failure> {
    runs::links::fresh(store, user, purpose)
        .await
        .map_err(|error| Failure::new(format!("The link could not be made. {error}")))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        match self {
            Self::Sqlite { writes, .. } => writes.create(record).await,
            Self::Postgres(sessions) => sessions.create(record).await,
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        match self {
            Self::Sqlite { writes, .. } => writes.save(record).await,
            Self::Postgres(sessions) => sessions.save(record).await,
        }
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        match self {
            Self::Sqlite { reads, .. } => reads.load(id).await,
            Self::Postgres(sessions) => sessions.load(id).await,
        }
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        match self {
            Self::Sqlite { writes, .. } => writes.delete(id).await,
            Self::Postgres(sessions) => sessions.delete(id).await,
        }
    }
}
