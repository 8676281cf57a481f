//! From a record to a running sandbox.

use std::sync::Arc;
use std::time::Instant;

use daytona::{PitlaneFacts, SandboxState};

use super::death;
use crate::fault::Fault;
use crate::registry::{Entry, Limits, Live, Record};
use crate::state::SharedEngine;
use crate::toolbox::Contexts;

/// Makes a new sandbox; given back when it is started.
pub(crate) async fn create(
    engine: &SharedEngine,
    record: Record,
    asked: Instant,
) -> Result<Arc<Entry>, Fault> {
    let entry = engine.registry.add(record)?;
    // In a task of its own: a client that goes away must not leave half a sandbox.
    let task = tokio::spawn(finish(Arc::clone(engine), Arc::clone(&entry), asked));
    match task.await {
        Ok(Ok(())) => Ok(entry),
        Ok(Err(fault)) => Err(fault),
        Err(error) => Err(Fault::internal(format!(
            "The sandbox could not be made: {error}."
        ))),
    }
}

async fn finish(engine: SharedEngine, entry: Arc<Entry>, asked: Instant) -> Result<(), Fault> {
    let _change = entry.change.lock().await;
    let made = bring_up(&engine, &entry, asked).await;
    if made.is_err() {
        // Whoever heard of it hears that it is gone.
        entry.set_state(SandboxState::Destroyed);
        engine.registry.remove(&entry);
    }
    made
}

/// Builds the walls around a record and notes what came of it.
pub(super) async fn bring_up(engine: &SharedEngine, entry: &Arc<Entry>, asked: Instant) -> Result<(), Fault> {
    let spec = entry.record().spec();
    let env = spec.env.clone();
    let limits = Limits::of(&spec);
    let sandbox = engine.host.create(spec).await?;
    let facts = PitlaneFacts {
        warm: sandbox.warm(),
        isolation: engine.host.isolation().to_string(),
        network: engine.host.wiring().name().to_owned(),
        created_in_ms: asked.elapsed().as_secs_f64() * 1000.0,
        python: sandbox.python_version().map(ToOwned::to_owned),
        node: sandbox.node_version().map(ToOwned::to_owned),
    };
    entry.activity.touch();
    let live = Live::new(
        sandbox.clone(),
        &env,
        limits,
        Arc::clone(&entry.activity),
        engine.spool_folder(&entry.id),
        Contexts::new(engine.config.context_idle),
    );
    entry.set_live(Some(live));
    entry.update(|record| {
        record.state = SandboxState::Started;
        record.error_reason = None;
        record.to_destroy = false;
        record.stopped_ms = None;
        record.facts = facts;
    });
    tokio::spawn(death::watch(Arc::clone(engine), Arc::clone(entry), sandbox));
    Ok(())
}
