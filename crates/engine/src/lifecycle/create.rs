//! From a record to a running sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use daytona::{PitlaneFacts, SandboxState};

use super::death;
use crate::archive;
use crate::fault::Fault;
use crate::registry::{Entry, Limits, Live, Record, Settings};
use crate::sandbox::{HOME, Sandbox, SandboxSpec, SharedFolder};
use crate::state::{Engine, SharedEngine};
use crate::toolbox::{Contexts, run_entrypoint};

/// Makes a new sandbox, whose home begins with the files of `seed`; given back
/// when it is started.
pub(crate) async fn create(
    engine: &SharedEngine,
    record: Record,
    seed: Option<PathBuf>,
    asked: Instant,
) -> Result<Arc<Entry>, Fault> {
    let entry = add(engine, record)?;
    // In a task of its own: a client that goes away must not leave half a sandbox.
    let task = tokio::spawn(finish(Arc::clone(engine), Arc::clone(&entry), seed, asked));
    match task.await {
        Ok(Ok(())) => Ok(entry),
        Ok(Err(fault)) => Err(fault),
        Err(error) => Err(Fault::internal(format!(
            "The sandbox could not be made: {error}."
        ))),
    }
}

/// Adds a record that begins to use its volumes.
pub(super) fn add(engine: &SharedEngine, record: Record) -> Result<Arc<Entry>, Fault> {
    let entry = engine.registry.add(record)?;
    let volumes = entry.record().volumes.clone();
    // From here on the registry keeps them from being deleted.
    match volumes
        .iter()
        .find(|volume| !engine.volumes.used(&volume.volume_id))
    {
        None => Ok(entry),
        Some(gone) => {
            engine.registry.remove(&entry);
            Err(Fault::bad_request(format!("Volume {} not found", gone.volume_id)))
        }
    }
}

async fn finish(
    engine: SharedEngine,
    entry: Arc<Entry>,
    seed: Option<PathBuf>,
    asked: Instant,
) -> Result<(), Fault> {
    let _change = entry.change.lock().await;
    let made = bring_up(&engine, &entry, seed.as_deref(), asked).await;
    if made.is_err() {
        discard(&engine, &entry).await;
    }
    made
}

/// Forgets a sandbox that did not come to be, with what was made of it.
pub(super) async fn discard(engine: &Engine, entry: &Entry) {
    if let Err(error) = engine.host.remove_home(&entry.id).await {
        tracing::warn!(%error, sandbox = entry.id, "the home of a sandbox that was not made stays");
    }
    // Whoever heard of it hears that it is gone.
    entry.set_state(SandboxState::Destroyed);
    engine.registry.remove(entry);
}

/// The order for a sandbox's walls.
pub(super) fn spec(engine: &Engine, record: &Record) -> Result<SandboxSpec, Fault> {
    let shared = record.volumes.iter().map(|volume| SharedFolder {
        source: engine.volumes.folder(&volume.volume_id),
        subpath: volume.subpath.as_ref().map(PathBuf::from),
        target: PathBuf::from(&volume.mount_path),
    });
    Ok(SandboxSpec {
        root: engine.root(record.image.as_deref())?,
        shared: shared.collect(),
        shelf: engine.shelf(&record.organization, record.image.as_deref()),
        ..record.spec()
    })
}

/// The values of a sandbox's secrets, by the variables that hold them.
pub(crate) fn secrets(engine: &Engine, record: &Record) -> Result<BTreeMap<String, String>, Fault> {
    let organization = record.organization.as_str();
    record
        .secrets
        .iter()
        .map(|(variable, name)| Ok((variable.clone(), engine.secrets.value(organization, name)?)))
        .collect()
}

/// Builds the walls around a record and notes what came of it.
pub(super) async fn bring_up(
    engine: &SharedEngine,
    entry: &Arc<Entry>,
    seed: Option<&Path>,
    asked: Instant,
) -> Result<(), Fault> {
    let record = entry.record().clone();
    let spec = spec(engine, &record)?;
    let settings = Settings {
        env: spec.env.clone(),
        limits: Limits::of(&spec),
        work_dir: record.start.work_dir.clone(),
        secrets: secrets(engine, &record)?,
        spool: engine.spool_folder(&entry.id),
    };
    let pools = engine.warm_pools.serving(&record.organization, &record.snapshot);
    let names: Vec<&str> = pools.iter().map(String::as_str).collect();
    let sandbox = engine.host.create_from(&names, spec).await?;
    let pool = sandbox.pool().map(ToOwned::to_owned);
    let pool = pool.filter(|pool| pools.contains(pool));
    if let Err(fault) = prepare(engine, &record, &sandbox, seed).await {
        if let Err(error) = sandbox.destroy().await {
            tracing::warn!(%error, sandbox = entry.id, "a sandbox that cannot be used could not be ended");
        }
        return Err(fault);
    }
    let facts = PitlaneFacts {
        warm: sandbox.warm(),
        isolation: engine.host.isolation().to_string(),
        network: engine.host.wiring().name().to_owned(),
        packages: sandbox.has_shelf(),
        created_in_ms: asked.elapsed().as_secs_f64() * 1000.0,
        python: sandbox.python_version().map(ToOwned::to_owned),
        node: sandbox.node_version().map(ToOwned::to_owned),
    };
    entry.activity.touch();
    let spool = engine.spool_folder(&entry.id);
    if let Err(error) = std::fs::create_dir_all(&spool) {
        tracing::error!(%error, folder = %spool.display(), "logs of this sandbox cannot be kept");
    }
    let live = Live::new(
        sandbox.clone(),
        settings,
        Arc::clone(&entry.activity),
        Contexts::new(engine.config.context_idle),
    );
    entry.set_live(Some(Arc::clone(&live)));
    if !record.start.entrypoint.is_empty()
        && let Err(fault) = run_entrypoint(&live, &record.start.entrypoint).await
    {
        tracing::warn!(
            sandbox = entry.id,
            reason = fault.message(),
            "an entrypoint could not be started"
        );
    }
    entry.update(|record| {
        record.state = SandboxState::Started;
        record.error_reason = None;
        record.to_destroy = false;
        record.stopped_ms = None;
        record.facts = facts;
        record.warm_pool = pool.or(record.warm_pool.take());
    });
    tokio::spawn(death::watch(Arc::clone(engine), Arc::clone(entry), sandbox));
    Ok(())
}

/// Gives a sandbox its files, and the folder its programs start in.
async fn prepare(
    engine: &SharedEngine,
    record: &Record,
    sandbox: &Sandbox,
    seed: Option<&Path>,
) -> Result<(), Fault> {
    if let Some(seed) = seed {
        super::unless_ending(engine, archive::unpack(sandbox, seed)).await?;
    }
    match record.start.work_dir.as_deref() {
        None | Some(HOME | "/") => Ok(()),
        Some(folder) => Ok(sandbox.create_folder(folder, 0o755).await?),
    }
}
