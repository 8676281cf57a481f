//! Runs from their start to the end of their sandbox, on a real database and
//! against a provider that does what a test tells it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod archiving;
mod at_once;
mod clean_up;
mod comparison;
mod crashes;
mod fake;
mod faults;
mod followers;
mod idempotency;
mod kept;
mod life;
mod masking;
mod queueing;
mod reaper;
mod recovery;
mod schedules;
mod stopping;
mod studio;
#[path = "../support/told.rs"]
mod told;
mod usage;
mod webhooks;
