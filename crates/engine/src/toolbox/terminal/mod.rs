//! Terminals, which Daytona calls PTY sessions: an interactive shell on a
//! pseudo-terminal of the sandbox, shared by everyone who connects.
//!
//! The terminal belongs to the sandbox and not to a connection: a client that
//! goes away ends nothing, and one that comes later finds the last screenful
//! and goes on from there.
//!
//! ```text
//! program ⇄ pseudo-terminal ⇄ pump ─▶ screen ─▶ one follower per connection
//!                               ▲──── input ◀── all connections
//! ```

mod attach;
mod calls;
mod offer;
mod running;
mod screen;
mod terminals;

pub(super) use calls::routes;
pub(crate) use terminals::Terminals;
