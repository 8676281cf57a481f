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
//! - `spool/`: the exact logs of commands
//! - `proxy/`: the way to programs that listen in them
//! - `previews/`: these programs under host names of their own
//! - [`sandbox`]: the walls

mod auth;
mod body;
mod clock;
mod config;
mod control;
mod events;
mod fault;
mod identity;
mod leftovers;
mod lifecycle;
pub mod lock;
mod network;
mod previews;
mod proxy;
mod registry;
pub mod sandbox;
mod serve;
mod signed_files;
mod spool;
mod state;
mod throttle;
mod toolbox;

pub use config::{EngineConfig, EngineError, Timings};
pub use network::{DomainPattern, NetworkBound, NetworkWish};
pub use serve::{router, serve, serve_with};
pub use state::{Engine, SharedEngine};
pub use throttle::RateLimits;
