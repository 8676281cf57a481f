//! What clients are told without asking: Daytona's events over Socket.IO.
//!
//! Daytona's SDKs open one connection per client and wait on it for the state
//! of a sandbox; without it each wait takes a whole second more. An event is
//! published where the state changes ([`Entry::update`] for sandboxes) and goes
//! to everyone of the same organization. [`hub`] keeps who listens, [`packet`]
//! reads what clients send, [`connection`] is one client.
//!
//! [`Entry::update`]: crate::registry::Entry::update

mod connection;
mod event;
mod hub;
mod packet;

pub(crate) use connection::connect;
pub(crate) use event::{Event, Seen};
pub(crate) use hub::Events;
