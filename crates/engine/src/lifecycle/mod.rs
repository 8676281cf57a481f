//! How sandboxes come, go, and change state.
//!
//! ```text
//! create ─▶ creating ─▶ started ⇄ stopping / stopped / starting
//!   └─▶ pending_build ─▶ building_snapshot ─▶ creating, or build_failed
//!                          │   ⇄ pausing / paused / resuming
//!                          │          ├─ an ephemeral one is destroyed instead
//!                          │          └─ archiving ─▶ archived ─▶ restoring ─▶ started
//!                          └─ died ─▶ error ─▶ start or recover (when its home was kept), or delete
//! started, stopped, paused, archived ─▶ snapshotting / forking / resizing ─▶ where it was
//! any stable state ─▶ destroying ─▶ gone (404)
//! ```
//!
//! One change at a time: while one goes on, another is refused with 409, as
//! Daytona does. The timers skip a sandbox that is changing and come again.

mod archive;
mod build;
mod change;
mod copies;
mod create;
mod death;
mod files;
mod pause;
mod recover;
mod resize;
pub(crate) mod sampling;
pub(crate) mod timers;

pub(crate) use archive::archive;
pub(crate) use build::{create_built, snapshot_built, snapshot_of_files};
pub(crate) use change::{destroy, end_all, start, stop};
pub(crate) use copies::{back_up, fork, snapshot};
pub(crate) use create::{create, secrets};
pub(crate) use pause::pause;
pub(crate) use recover::recover;
pub(crate) use resize::resize;

use crate::fault::Fault;
use crate::state::Engine;

/// Work that may take minutes, given up when the engine ends.
async fn unless_ending<T>(engine: &Engine, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::select! {
        biased;
        () = engine.ending.cancelled() => Err(Fault::conflict("The engine ends.")),
        done = work => done,
    }
}
