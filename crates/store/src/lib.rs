//! What Pitlane remembers: users, agents, files, revisions, runs, logs and
//! sandboxes, in SQLite or PostgreSQL.
//!
//! One file per resource. Every statement is written once, with `$1`, and runs
//! on both databases (`session.rs`); where the two differ, the migrations do.
//! Ids are text, times are unix milliseconds, lists and records that are only
//! ever read whole are JSON as text.

mod account_sessions;
mod accounts;
mod agent_list;
mod agents;
mod audit;
mod audit_chain;
mod bells;
mod blobs;
mod budgets;
mod database;
mod deliveries;
mod doing;
mod driver_requests;
mod error;
mod file_rules;
mod files;
mod firings;
mod holds;
mod hooks;
mod identities;
mod interpreters;
mod invitations;
mod log_chunks;
mod made_once;
mod members;
mod outbox;
mod people;
mod requests;
mod revisions;
mod run_events;
mod run_rows;
mod runs;
mod sandboxes;
mod schedules;
mod secrets;
mod servers;
mod serving;
mod session;
mod standing;
mod stored;
mod targets;
mod teams;
mod tokens;
mod transfer;
mod usage_intervals;
mod usage_totals;
mod users;
mod value;
mod variables;

pub use account_sessions::SESSION_MILLISECONDS;
pub use audit::audit_hash;
pub use audit_chain::{Chain, Checked, read_audit_line};
pub use bells::Bells;
pub use database::{Pools, Store, sqlite_file};
pub use deliveries::{Next, Parcel};
pub use doing::{Carrier, Doing, carried, concerns, detail};
pub use driver_requests::{Asked, RunRequest, Standing};
pub use error::StoreError;
pub use firings::{Claim, OthersWaiting, Waiting};
pub use holds::Hold;
pub use hooks::SealedHook;
pub use identities::Identity;
pub use interpreters::{Admission, InterpreterLimits, InterpreterPlace, NewInterpreter};
pub use invitations::Newcomer;
pub use log_chunks::{Chunk, StoredEnd};
pub use made_once::{MadeAnswer, MadeOnce};
pub use people::NewPerson;
pub use revisions::Revision;
pub use runs::{Attachment, NewRun};
pub use sandboxes::Claimed;
pub use schedules::AgentSchedule;
pub use secrets::SealedSecret;
pub use servers::{Renewed, Replica};
pub use serving::Serving;
pub use standing::{Counts, Schema};
pub use usage_intervals::SeenSandbox;
pub use users::LinkPurpose;

pub use transfer::{
    Archive, Cell, Column, Contents, Filling, Header, Kind, Moved, OF_LIBRARIES, Part, Snapshot, TABLES,
    Table, Writing, kept_tables,
};

/// What every method of the store gives.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
