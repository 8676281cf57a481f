//! Start, stop and destroy.

use std::sync::Arc;
use std::time::Instant;

use daytona::SandboxState;
use tokio::sync::OwnedMutexGuard;

use super::create::bring_up;
use crate::fault::Fault;
use crate::leftovers;
use crate::registry::Entry;
use crate::state::SharedEngine;

fn begin(entry: &Entry) -> Result<OwnedMutexGuard<()>, Fault> {
    Arc::clone(&entry.change)
        .try_lock_owned()
        .map_err(|_| Fault::conflict("Sandbox state change in progress"))
}

/// Runs a change to its end even when the client that asked goes away.
async fn to_the_end(change: impl Future<Output = Result<(), Fault>> + Send + 'static) -> Result<(), Fault> {
    match tokio::spawn(change).await {
        Ok(result) => result,
        Err(error) => Err(Fault::internal(format!(
            "The change of the sandbox's state failed: {error}."
        ))),
    }
}

/// Starts a stopped sandbox, or one that died and whose home was kept.
pub(crate) async fn start(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry)?;
    let (state, keep_home) = {
        let record = entry.record();
        (record.state, record.keep_home)
    };
    match state {
        SandboxState::Started => return Ok(()),
        SandboxState::Stopped => {}
        SandboxState::Error if keep_home => {}
        other => {
            return Err(Fault::bad_request(format!(
                "Sandbox is {} and cannot be started",
                other.as_str()
            )));
        }
    }
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        entry.set_state(SandboxState::Starting);
        let started = bring_up(&engine, &entry, Instant::now()).await;
        if started.is_err() {
            entry.set_state(SandboxState::Stopped);
        }
        started
    })
    .await
}

/// Stops a sandbox; an ephemeral one is destroyed.
pub(crate) async fn stop(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry)?;
    let (state, ephemeral) = {
        let record = entry.record();
        (record.state, record.ephemeral())
    };
    match state {
        SandboxState::Stopped => return Ok(()),
        SandboxState::Started | SandboxState::Error => {}
        _ => return Err(Fault::bad_request("Sandbox is not in a stoppable state")),
    }
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        if ephemeral {
            return take_down_for_ever(&engine, &entry).await;
        }
        entry.set_state(SandboxState::Stopping);
        take_down(&entry).await?;
        leftovers::remove(&engine.spool_folder(&entry.id));
        entry.set_state(SandboxState::Stopped);
        Ok(())
    })
    .await
}

/// Destroys a sandbox and everything of it.
pub(crate) async fn destroy(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry)?;
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        take_down_for_ever(&engine, &entry).await
    })
    .await
}

async fn take_down(entry: &Entry) -> Result<(), Fault> {
    if let Some(live) = entry.live() {
        let destroyed = live.sandbox.destroy().await?;
        tracing::debug!(sandbox = entry.id, took = ?destroyed.took, "a sandbox was taken down");
        entry.set_live(None);
    }
    Ok(())
}

async fn take_down_for_ever(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    entry.set_state(SandboxState::Destroying);
    if let Err(fault) = take_down(entry).await {
        entry.update(|record| {
            record.state = SandboxState::Error;
            record.error_reason = Some(fault.message().to_owned());
            record.to_destroy = true;
        });
        return Err(fault);
    }
    let spool = engine.spool_folder(&entry.id);
    let home = engine.config.data_dir.join("homes").join(&entry.id);
    let removed = tokio::task::spawn_blocking(move || {
        leftovers::remove(&spool);
        leftovers::remove(&home);
    });
    if let Err(error) = removed.await {
        tracing::error!(%error, "a sandbox's folders could not be removed");
    }
    entry.update(|record| record.state = SandboxState::Destroyed);
    engine.registry.remove(entry);
    Ok(())
}

/// Ends every sandbox, because the engine does: the ephemeral ones for ever.
pub(crate) async fn end_all(engine: &SharedEngine) {
    let ending = engine.registry.list().into_iter().map(|entry| async move {
        // A change that goes on ends first: half a sandbox would stay otherwise.
        let _change = entry.change.lock().await;
        let ephemeral = entry.record().ephemeral();
        let ended = match entry.live() {
            None => Ok(()),
            Some(_) if ephemeral => take_down_for_ever(engine, &entry).await,
            Some(_) => {
                let down = take_down(&entry).await;
                entry.set_state(SandboxState::Stopped);
                down
            }
        };
        if let Err(fault) = ended {
            tracing::warn!(
                sandbox = entry.id,
                reason = fault.message(),
                "a sandbox could not be ended in order"
            );
        }
    });
    futures::future::join_all(ending).await;
    engine.host.shutdown().await;
}
