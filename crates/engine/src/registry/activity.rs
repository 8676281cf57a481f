//! When a sandbox was last used: any request to its toolbox, and every moment
//! a connection to it is open. A running program alone is no activity, as at
//! Daytona.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use axum::http::HeaderMap;

use crate::clock;

/// Whether a request is a use of its sandbox: clients that only watch say that
/// theirs is not.
pub(crate) fn counts_as_use(headers: &HeaderMap) -> bool {
    !headers.contains_key("x-daytona-skip-last-activity-update")
}

/// The last use of one sandbox.
#[derive(Debug)]
pub(crate) struct Activity {
    last_ms: AtomicI64,
    inside: AtomicUsize,
}

impl Activity {
    pub(crate) fn new(last_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            last_ms: AtomicI64::new(last_ms),
            inside: AtomicUsize::new(0),
        })
    }

    /// It is used now.
    pub(crate) fn touch(&self) {
        self.last_ms.store(clock::now_ms(), Ordering::Relaxed);
    }

    /// It is used until the guard goes.
    pub(crate) fn enter(self: &Arc<Self>) -> Use {
        self.inside.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Use(Arc::clone(self))
    }

    /// Whether a request or connection is open now.
    pub(crate) fn is_used(&self) -> bool {
        self.inside.load(Ordering::Relaxed) > 0
    }

    /// Milliseconds since 1970 of the last use; now, while one goes on.
    pub(crate) fn last_ms(&self) -> i64 {
        if self.is_used() {
            return clock::now_ms();
        }
        self.last_ms.load(Ordering::Relaxed)
    }
}

/// A use that goes on.
#[derive(Debug)]
pub(crate) struct Use(Arc<Activity>);

impl Drop for Use {
    fn drop(&mut self) {
        self.0.touch();
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}
