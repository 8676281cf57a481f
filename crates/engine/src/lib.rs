//! The embedded engine: isolated sandboxes on this machine behind Daytona's API.
//!
//! [`serve`] is the whole of it. The parts:
//!
//! - `control/`: the control plane
//! - `toolbox/`: what is asked of one sandbox
//! - `identity/`: who asks
//! - `events/`: what clients are told
//! - `lifecycle/`: how sandboxes change state
//! - `registry/`: what is known of them
//! - `snapshots/`, `builds/`, `volumes/`, `secrets/`: what they are made from
//! - `archive/`: their homes, each in one file
//! - `spool/`: the exact logs of commands
//! - `proxy/`: the way to programs that listen in them
//! - `previews/`: these programs under host names of their own
//! - `ssh/`: shells in them over SSH
//! - [`sandbox`]: the walls

mod archive;
mod auth;
mod body;
mod builds;
mod clock;
mod config;
mod control;
mod events;
mod fault;
mod identity;
mod images;
mod leftovers;
mod lifecycle;
pub mod lock;
mod mount_point;
mod network;
mod packages;
mod previews;
mod proxy;
mod records;
mod registry;
pub mod sandbox;
mod secrets;
mod serve;
mod signed_files;
mod snapshots;
mod spool;
mod ssh;
mod state;
mod throttle;
mod tickets;
mod toolbox;
mod volumes;
mod warm_pools;

pub use config::{EngineConfig, EngineError, Timings};
pub use images::Images;
pub use network::{DomainPattern, NetworkBound, NetworkWish};
pub use serve::{router, serve, serve_with};
pub use state::{Engine, SharedEngine};
pub use throttle::RateLimits;
