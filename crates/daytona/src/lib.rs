//! Daytona's HTTP API: its wire types, and with the feature `client` an
//! asynchronous client.

pub mod extension;
pub mod types;
pub mod wire;

pub use types::*;
