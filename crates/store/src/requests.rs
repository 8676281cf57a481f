//! What was asked for under a key that may be sent again.

use crate::{Result, Store, value::values};
use model::{Millis, RunId};

/// How long it is remembered what was sent with a key.
const KEPT_MILLISECONDS: i64 = 30 * 24 * 3600 * 1000;

impl Store {
    /// Whether this is what was asked for the run the first time, or the first time itself.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_same_request(&self, run: &RunId, sha256: &str) -> Result<bool> {
        let now = Millis::now();
        let mut session = self.writer().await?;
        session
            .execute(
                "delete from run_requests where created_at < $1",
                values![now.0 - KEPT_MILLISECONDS],
            )
            .await?;
        session
            .execute(
                "insert into run_requests (run_id, sha256, created_at) values ($1, $2, $3)
                 on conflict (run_id) do nothing",
                values![run, sha256, now],
            )
            .await?;
        let (first,): (String,) = session
            .one("select sha256 from run_requests where run_id = $1", values![run])
            .await?;
        session.commit_apart().await?;
        Ok(first == sha256)
    }
}
