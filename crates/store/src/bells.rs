//! Telling other servers at once that something of a run is new: PostgreSQL's
//! LISTEN and NOTIFY. What is new they read from the tables; a bell that is not
//! heard costs a moment and nothing else. SQLite is for one server and has none.

use crate::{Result, Store, database::Database, value::values};
use sqlx::postgres::PgListener;

const CHANNEL: &str = "pitlane_runs";

/// Hears what other servers ring.
pub struct Bells(PgListener);

impl std::fmt::Debug for Bells {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bells").finish_non_exhaustive()
    }
}

impl Store {
    /// Whether several servers may use this database at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    /// Rings for all servers, with at most 8,000 bytes of words. Does nothing on SQLite.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn ring(&self, words: &str) -> Result<()> {
        if !self.is_shared() {
            return Ok(());
        }
        let mut session = self.writer().await?;
        session
            .execute("select pg_notify($1, $2)", values![CHANNEL, words])
            .await?;
        session.commit().await
    }

    /// Begins to listen; none on SQLite.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn bells(&self) -> Result<Option<Bells>> {
        let Database::Postgres(pool) = &self.database else {
            return Ok(None);
        };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Bells(listener)))
    }
}

impl Bells {
    /// Waits for the next; none when the connection was lost meanwhile, and with it, perhaps, some.
    ///
    /// # Errors
    /// When the database cannot be reached again.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let heard = self.0.try_recv().await?;
        Ok(heard.map(|heard| heard.payload().to_owned()))
    }
}
