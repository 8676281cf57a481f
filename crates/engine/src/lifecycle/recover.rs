//! Back from an error: with the home that was kept or, when no walls can be
//! built around it any more, with its last backup.

use std::sync::Arc;
use std::time::Instant;

use daytona::SandboxState;

use super::change::{begin, to_the_end};
use super::create::bring_up;
use crate::fault::Fault;
use crate::registry::Entry;
use crate::state::SharedEngine;

/// Recovers a sandbox; without `start` it is stopped afterwards.
pub(crate) async fn recover(engine: &SharedEngine, entry: &Arc<Entry>, start: bool) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let (state, keep_home) = {
        let record = entry.record();
        (record.state, record.keep_home)
    };
    if state != SandboxState::Error {
        return Err(Fault::bad_request("Sandbox must be in error state to recover"));
    }
    if !keep_home {
        return Err(Fault::bad_request(
            "This sandbox was ephemeral and its files are gone. Delete it and create another one.",
        ));
    }
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        if !start {
            entry.set_state(SandboxState::Stopped);
            return Ok(());
        }
        // What is still in use is whole, and newer than any backup.
        if matches!(engine.host.home_released(&entry.id).await, Ok(false)) {
            return Err(Fault::conflict(
                "The sandbox's files are still in use. Wait until transfers of them have ended, and recover it again.",
            ));
        }
        entry.set_state(SandboxState::Starting);
        let mut started = bring_up(&engine, &entry, None, Instant::now()).await;
        if started.is_err() && engine.backup(&entry.id).exists() {
            started = from_backup(&engine, &entry).await;
        }
        if let Err(fault) = &started {
            entry.update(|record| {
                record.state = SandboxState::Error;
                record.error_reason = Some(fault.message().to_owned());
            });
        }
        started
    })
    .await
}

async fn from_backup(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    tracing::warn!(
        sandbox = entry.id,
        "its home cannot be used, its last backup is restored"
    );
    entry.set_state(SandboxState::Restoring);
    engine.host.remove_home(&entry.id).await?;
    bring_up(engine, entry, Some(&engine.backup(&entry.id)), Instant::now()).await
}
