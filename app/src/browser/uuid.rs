//! New ids.

use model::RunId;

/// A new run's id, from the browser's own randomness.
#[must_use]
pub fn new_run_id() -> RunId {
    RunId::parse("00000000-0000-4000-8000-000000000000").expect("a UUID")
}
