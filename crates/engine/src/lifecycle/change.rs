//! Start, stop and destroy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use daytona::SandboxState;
use tokio::sync::OwnedMutexGuard;

use super::archive::restore;
use super::create::bring_up;
use super::pause::resume;
use crate::fault::Fault;
use crate::leftovers;
use crate::registry::Entry;
use crate::state::SharedEngine;

/// How long a client waits for a change that goes on without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a change that is over but for its clearing up is waited for.
const CLEARING_UP: Duration = Duration::from_secs(5);

/// How long a stop waits until what was written last is in the home's image.
const RELEASE: Duration = Duration::from_secs(2);

/// Takes the sandbox for a change of its state.
pub(super) async fn begin(entry: &Entry) -> Result<OwnedMutexGuard<()>, Fault> {
    let change = Arc::clone(&entry.change);
    if let Ok(guard) = Arc::clone(&change).try_lock_owned() {
        return Ok(guard);
    }
    let in_progress = || Fault::conflict("Sandbox state change in progress");
    // Who has seen the state a change ends in is not refused.
    if !is_stable(entry.record().state) {
        return Err(in_progress());
    }
    tokio::time::timeout(CLEARING_UP, change.lock_owned())
        .await
        .map_err(|_| in_progress())
}

fn is_stable(state: SandboxState) -> bool {
    use SandboxState as State;
    matches!(
        state,
        State::Started | State::Stopped | State::Paused | State::Archived | State::Error | State::BuildFailed
    )
}

/// Runs a change to its end even when the client that asked goes away, or it
/// takes longer than a client waits: then the sandbox's state says how it goes on.
pub(super) async fn to_the_end(
    change: impl Future<Output = Result<(), Fault>> + Send + 'static,
) -> Result<(), Fault> {
    let change = tokio::spawn(async move {
        let result = change.await;
        if let Err(fault) = &result {
            tracing::debug!(reason = fault.message(), "a change of a sandbox's state failed");
        }
        result
    });
    match tokio::time::timeout(PATIENCE, change).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(Fault::internal(format!(
            "The change of the sandbox's state failed: {error}."
        ))),
        Err(_) => Ok(()),
    }
}

/// Starts a stopped, paused or archived sandbox, or one that died and whose
/// home was kept.
pub(crate) async fn start(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let (state, keep_home) = {
        let record = entry.record();
        (record.state, record.keep_home)
    };
    match state {
        SandboxState::Started => return Ok(()),
        SandboxState::Stopped | SandboxState::Archived | SandboxState::Paused => {}
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
        match state {
            SandboxState::Archived => return restore(&engine, &entry).await,
            SandboxState::Paused => return resume(&entry).await,
            _ => {}
        }
        entry.set_state(SandboxState::Starting);
        let started = bring_up(&engine, &entry, None, Instant::now()).await;
        if started.is_err() {
            entry.set_state(SandboxState::Stopped);
        }
        started
    })
    .await
}

/// Stops a sandbox; an ephemeral one is destroyed.
pub(crate) async fn stop(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let (state, ephemeral) = {
        let record = entry.record();
        (record.state, record.ephemeral())
    };
    match state {
        SandboxState::Stopped => return Ok(()),
        SandboxState::Started | SandboxState::Error | SandboxState::Paused => {}
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
        // Whoever starts it again waits for this as well, and says why it does not work.
        let released = tokio::time::timeout(RELEASE, engine.host.home_released(&entry.id)).await;
        if !matches!(released, Ok(Ok(true))) {
            tracing::warn!(
                ?released,
                sandbox = entry.id,
                "a stopped sandbox's home is still in use"
            );
        }
        leftovers::remove(&engine.spool_folder(&entry.id));
        entry.set_state(SandboxState::Stopped);
        Ok(())
    })
    .await
}

/// Destroys a sandbox and everything of it.
pub(crate) async fn destroy(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry).await?;
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
        entry.update(|record| record.to_destroy = true);
        entry.fail(SandboxState::Error, fault.message());
        return Err(fault);
    }
    let spool = engine.spool_folder(&entry.id);
    let files = [engine.archive(&entry.id), engine.backup(&entry.id)];
    let removed = tokio::task::spawn_blocking(move || {
        leftovers::remove(&spool);
        files.iter().for_each(|file| leftovers::remove_file(file));
    });
    if let Err(error) = removed.await {
        tracing::error!(%error, "a sandbox's folders could not be removed");
    }
    engine.builds.logs.remove(&entry.id);
    if let Err(error) = engine.host.remove_home(&entry.id).await {
        tracing::error!(%error, sandbox = entry.id, "a sandbox's home could not be removed");
    }
    entry.update(|record| record.state = SandboxState::Destroyed);
    engine.registry.remove(entry);
    linked_go_too(engine, &entry.id);
    Ok(())
}

/// The sandboxes that belong to one that is gone are destroyed by themselves.
fn linked_go_too(engine: &SharedEngine, id: &str) {
    for entry in engine.registry.list() {
        if entry.record().linked.as_deref() != Some(id) {
            continue;
        }
        let engine = Arc::clone(engine);
        tokio::spawn(async move {
            let _change = entry.change.lock().await;
            // Boxed: it may have linked ones only in a record that was tampered with.
            if let Err(fault) = Box::pin(take_down_for_ever(&engine, &entry)).await {
                tracing::warn!(
                    sandbox = entry.id,
                    reason = fault.message(),
                    "a linked sandbox stays"
                );
            }
        });
    }
}

/// Ends every sandbox, because the engine does: the ephemeral ones for ever.
pub(crate) async fn end_all(engine: &SharedEngine) {
    engine.ending.cancel();
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
