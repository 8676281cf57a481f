//! Several servers on one PostgreSQL. Each has a lease that it renews all the
//! time; the runs of one whose lease ended are taken over by another.
//!
//! ```text
//!  replica A ──renews──▶ servers ◀──renews── replica B
//!      │ drives, writes with its fence ──▶ runs ◀── takes over what nobody alive holds (fence + 1)
//!      │ rings "run 7 has more" ─────────────────────▶ reads run 7 from the store for its readers
//!      ◀───── rings "run 7 is asked for something" ── writes a request of its own readers
//! ```
//! Nothing depends on clocks of servers, nor on a lease being over at both ends
//! at once: times are the database's, and the fence of a run, which every write
//! of it checks in its own transaction, decides who drives. A server that was
//! paused or cut off learns by it that it has lost a run, and lets go: it then
//! takes no step any more. What it can still do until it learns it is to read.
//!
//! On SQLite there is one server, which holds the database for itself; nothing
//! is rung there, and every run that was left is its own at once.

mod bell;
mod keeper;
mod requests;

pub(crate) use bell::Bell;
pub(crate) use keeper::{keep, register};
pub(crate) use requests::ask;

use store::{Hold, Replica};
use tokio_util::sync::CancellationToken;

/// A run that this process drives, as long as the database agrees.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) hold: Hold,
    /// Cancelled when another server has the run.
    pub(crate) lost: CancellationToken,
}

impl Lease {
    pub(crate) fn new(hold: Hold) -> Self {
        Self {
            hold,
            lost: CancellationToken::new(),
        }
    }
}

/// How this server is known to the others.
pub(crate) fn replica(config: &crate::RunsConfig) -> Replica {
    Replica {
        id: uuid::Uuid::now_v7().to_string(),
        name: config.server.clone(),
        instance: config.instance.clone(),
        lease: config.lease,
    }
}
