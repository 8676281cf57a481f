//! What Pitlane remembers: users, agents, files, revisions, runs, logs and
//! sandboxes, in SQLite or PostgreSQL.
//!
//! One file per resource. Every statement is written once, with `$1`, and runs
//! on both databases (`session.rs`); where the two differ, the migrations do.
//! Ids are text, times are unix milliseconds, lists and records that are only
//! ever read whole are JSON as text.

mod agent_list;
mod agents;
mod blobs;
mod database;
mod error;
mod file_rules;
mod files;
mod log_chunks;
mod requests;
mod revisions;
mod run_events;
mod run_rows;
mod runs;
mod sandboxes;
mod secrets;
mod session;
mod stored;
mod tokens;
mod users;
mod value;
mod variables;

pub use database::{Pools, Store};
pub use error::StoreError;
pub use log_chunks::{Chunk, StoredEnd};
pub use revisions::Revision;
pub use run_events::NewEvent;
pub use runs::{Attachment, NewRun};
pub use secrets::SealedSecret;

/// What every method of the store gives.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
