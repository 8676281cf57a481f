//! What happens when somebody presses Start Building: runs are queued, driven
//! through their states, their output is kept as a ledger and told to readers,
//! and their sandboxes are cleaned up.
//!
//! [`Runs`] is the way in.

mod config;
mod error;
mod follower;
mod service;

pub use config::RunsConfig;
pub use error::RunsError;
pub use follower::Follower;
pub use service::{LiveSandbox, Runs, StartRun};
