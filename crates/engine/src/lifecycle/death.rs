//! A sandbox that ends without being asked to.

use std::sync::Arc;

use daytona::SandboxState;

use crate::registry::Entry;
use crate::sandbox::{EndReason, Sandbox};
use crate::state::SharedEngine;

/// Waits for the sandbox's end and notes why, when nobody asked for it.
pub(super) async fn watch(engine: SharedEngine, entry: Arc<Entry>, sandbox: Sandbox) {
    let mut ended = sandbox.ended();
    let reason = match ended.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or(EndReason::HostLost),
        Err(_) => EndReason::HostLost,
    };
    let sentence = match reason {
        EndReason::Destroyed => return,
        EndReason::OutOfMemory => "It used more memory than it may.".to_owned(),
        EndReason::OutOfDisk => "It used more disk space than it may.".to_owned(),
        EndReason::Died(how) => format!("Its first process ended: {how}."),
        EndReason::HostLost => {
            engine.lost.cancel();
            "The process that holds the sandboxes ended.".to_owned()
        }
    };
    tracing::warn!(sandbox = entry.id, reason = sentence, "a sandbox ended by itself");
    let _change = entry.change.lock().await;
    // It may have been deleted or started anew while this waited.
    let same = entry.live().is_some_and(|live| live.sandbox.id() == sandbox.id());
    if !same || !matches!(entry.record().state, SandboxState::Started | SandboxState::Paused) {
        return;
    }
    entry.set_live(None);
    // What the kernel did not clear goes now; a home that is kept stays.
    if let Err(error) = sandbox.destroy().await {
        tracing::warn!(%error, sandbox = entry.id, "a dead sandbox could not be cleared away");
    }
    entry.fail(SandboxState::Error, &sentence);
}
