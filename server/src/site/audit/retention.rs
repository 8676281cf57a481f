//! Lets records of the audit log go when their time is over.

use model::{Millis, calendar::DAY_MILLISECONDS};
use std::time::Duration;
use store::Store;

const EVERY: Duration = Duration::from_secs(3600);

/// Every hour lets records go that are older than so many days. Never ends.
pub async fn forget_old(store: Store, days: u64) {
    let kept = i64::try_from(days)
        .unwrap_or(i64::MAX)
        .saturating_mul(DAY_MILLISECONDS);
    loop {
        match store
            .prune_audit(Millis(Millis::now().0.saturating_sub(kept)))
            .await
        {
            Ok(0) => {}
            Ok(gone) => tracing::info!(
                gone,
                "records of the audit log were let go, their time being over"
            ),
            Err(error) => tracing::warn!(%error, "old records of the audit log could not be let go"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
