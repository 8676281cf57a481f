//! Whether the database and the provider of sandboxes answer, looked up again
//! and again beside everything else, so that whoever asks this server how it
//! is never waits for one of them.

use model::Provider;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{Counts, Store};
use tokio_util::sync::CancellationToken;

/// How often the database is counted, and our own engine asked.
const LOOK: Duration = Duration::from_secs(5);
/// How often Daytona's cloud is asked.
const LOOK_AT_CLOUD: Duration = Duration::from_secs(60);
/// How long either may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

/// What the last look found.
#[derive(Debug, Default)]
pub struct Readiness {
    database_up: AtomicBool,
    provider: Mutex<Option<bool>>,
    counts: Mutex<Counts>,
}

impl Readiness {
    /// Looks until the server stops.
    pub async fn keep(
        self: Arc<Self>,
        store: Store,
        provider: Provider,
        client: daytona::Client,
        shutdown: CancellationToken,
    ) {
        let database = async {
            let mut looks = tokio::time::interval(LOOK);
            loop {
                looks.tick().await;
                let counted = tokio::time::timeout(WITHIN, store.counts()).await;
                let counted = counted.ok().and_then(Result::ok);
                self.database_up.store(counted.is_some(), Ordering::Relaxed);
                if let Some(counts) = counted {
                    *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
                }
            }
        };
        let answers = async {
            let mut looks = tokio::time::interval(match provider {
                Provider::Embedded => LOOK,
                Provider::Daytona => LOOK_AT_CLOUD,
            });
            loop {
                looks.tick().await;
                let answered = tokio::time::timeout(WITHIN, asked(provider, &client)).await;
                let is_up = answered.unwrap_or(false);
                let mut known = self.provider.lock().unwrap_or_else(PoisonError::into_inner);
                if known.replace(is_up) != Some(is_up) && !is_up {
                    tracing::warn!("the provider of sandboxes does not answer; runs wait for it");
                }
            }
        };
        tokio::select! {
            () = database => {}
            () = answers => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// Whether the database answered when it was last asked.
    pub fn is_database_up(&self) -> bool {
        self.database_up.load(Ordering::Relaxed)
    }

    /// Whether the provider did.
    pub fn is_provider_up(&self) -> bool {
        self.provider() == Some(true)
    }

    /// The same; none when it was not asked yet.
    pub fn provider(&self) -> Option<bool> {
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted last.
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The engine says how it is; of the cloud only a call that needs the key says something.
async fn asked(provider: Provider, client: &daytona::Client) -> bool {
    match provider {
        Provider::Embedded => client.health().await.is_ok(),
        Provider::Daytona => client
            .list(&daytona::ListSandboxes {
                limit: Some(1),
                ..Default::default()
            })
            .await
            .is_ok(),
    }
}
