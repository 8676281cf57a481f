//! How sandboxes come, go, and change state.
//!
//! ```text
//! create ─▶ creating ─▶ started ⇄ stopping / stopped / starting
//!                          │          └─ an ephemeral one is destroyed instead
//!                          └─ died ─▶ error ─▶ start (when its home was kept) or delete
//! any stable state ─▶ destroying ─▶ gone (404)
//! ```
//!
//! One change at a time: while one goes on, another is refused with 409, as
//! Daytona does. The timers skip a sandbox that is changing and come again.

mod change;
mod create;
mod death;
pub(crate) mod sampling;
pub(crate) mod timers;

pub(crate) use change::{destroy, end_all, start, stop};
pub(crate) use create::create;
