//! What happens when somebody presses Start Building: runs are queued, driven
//! through their states, their output is kept as a ledger and told to readers,
//! and their sandboxes are cleaned up.
//!
//! [`Runs`] is the way in.

mod book;
mod by_hand;
mod command;
mod comparison;
mod config;
mod difference;
mod driver;
mod environment;
mod error;
mod figures;
mod follower;
mod handle;
mod ingest;
mod inside;
mod interpreters;
mod journal;
mod launch;
mod ledger;
pub mod links;
mod live;
mod masking;
mod once;
mod queue;
mod reading;
mod reaper;
mod reconcile;
mod record;
mod recovery;
mod replicas;
mod rounds;
mod sandboxes;
pub mod schedules;
mod scribe;
mod secrets;
mod service;
mod settling;
mod team_sandboxes;
pub mod tokens;
mod usage;
mod vault;
mod watch;
pub mod webhooks;

pub use config::RunsConfig;
pub use error::RunsError;
pub use figures::Figures;
pub use follower::Follower;
pub use inside::CloneRequest;
pub use interpreters::{Cell, CellRun, NewInterpreter};
pub use once::{Instead, Once, Output, Stdin};
pub use service::{LiveSandbox, Runs, StartRun};
pub use team_sandboxes::Onlooker;
pub use vault::{KeyFile, MasterKey, Vault};
pub use watch::{Notice, Watch};
