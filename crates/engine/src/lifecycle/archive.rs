//! Archiving: a stopped sandbox's home becomes one compressed file, and its
//! next start unpacks it again.
//!
//! What is on disk is always whole: the home goes only after the record says
//! `archived`, and the archive only after it says `started`.

use std::sync::Arc;
use std::time::Instant;

use daytona::SandboxState;

use super::change::{begin, to_the_end};
use super::create::bring_up;
use super::files;
use crate::fault::Fault;
use crate::leftovers;
use crate::registry::Entry;
use crate::state::SharedEngine;
use crate::{clock, registry::Record};

/// Archives a stopped sandbox.
pub(crate) async fn archive(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let refusal = may_be_archived(&entry.record());
    if let Some(refusal) = refusal {
        return refusal;
    }
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        entry.update(|record| record.state = SandboxState::Archiving);
        let to = engine.archive(&entry.id);
        if let Err(fault) = files::copy(&engine, &entry, SandboxState::Stopped, &to).await {
            leftovers::remove_file(&to);
            entry.update(|record| {
                record.state = SandboxState::Stopped;
                record.unarchived_ms = Some(clock::now_ms());
            });
            return Err(fault);
        }
        entry.set_state(SandboxState::Archived);
        Ok(engine.host.remove_home(&entry.id).await?)
    })
    .await
}

/// What is answered at once, if anything.
fn may_be_archived(record: &Record) -> Option<Result<(), Fault>> {
    if record.ephemeral() {
        return Some(Err(Fault::bad_request("Ephemeral sandboxes cannot be archived")));
    }
    match record.state {
        SandboxState::Stopped => None,
        SandboxState::Archived => Some(Ok(())),
        _ => Some(Err(Fault::bad_request("Sandbox is not stopped"))),
    }
}

/// Starts an archived sandbox; the change is the caller's.
pub(super) async fn restore(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let archive = engine.archive(&entry.id);
    entry.set_state(SandboxState::Restoring);
    let restored = bring_up(engine, entry, Some(&archive), Instant::now()).await;
    match restored {
        Ok(()) => leftovers::remove_file(&archive),
        Err(_) => {
            if let Err(error) = engine.host.remove_home(&entry.id).await {
                tracing::warn!(%error, sandbox = entry.id, "a home that was restored in part stays");
            }
            entry.set_state(SandboxState::Archived);
        }
    }
    restored
}
