//! Sandboxes and snapshots whose image is built first, while the client already
//! has their record.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use daytona::{SandboxState, SnapshotState};

use super::create::{add, bring_up};
use super::files::copy_file;
use super::unless_ending;
use crate::builds::{BuildLog, Planned};
use crate::fault::Fault;
use crate::registry::{Entry, Record};
use crate::snapshots::{Origin, SnapshotRecord};
use crate::state::SharedEngine;

/// Makes a sandbox in the state `pending_build`, and says with `describe` what
/// it is then; the rest happens by itself.
pub(crate) fn create_built<T>(
    engine: &SharedEngine,
    record: Record,
    planned: Planned,
    asked: Instant,
    describe: impl FnOnce(&Entry) -> T,
) -> Result<T, Fault> {
    let record = Record {
        state: SandboxState::PendingBuild,
        ..record
    };
    let entry = add(engine, record)?;
    let log = match begin_log(engine, &entry.id) {
        Ok(log) => log,
        Err(fault) => {
            engine.registry.remove(&entry);
            return Err(fault);
        }
    };
    // Taken before the client can know of it.
    let change = Arc::clone(&entry.change).try_lock_owned();
    let described = describe(&entry);
    let (engine, built) = (Arc::clone(engine), entry);
    tokio::spawn(async move {
        let _change = change;
        built.set_state(SandboxState::BuildingSnapshot);
        let done = build(&engine, &planned, &log).await;
        match done {
            Ok(origin) => {
                built.update(|record| record.state = SandboxState::Creating);
                if let Err(fault) = bring_up(&engine, &built, origin.seed.as_deref(), asked).await {
                    log.say(fault.message());
                    built.fail(SandboxState::Error, fault.message());
                }
            }
            Err(why) => built.fail(SandboxState::BuildFailed, &why),
        }
        engine.builds.logs.end(&built.id);
    });
    Ok(described)
}

/// Makes a snapshot in the state `pending`; the rest happens by itself.
pub(crate) fn snapshot_built(
    engine: &SharedEngine,
    record: SnapshotRecord,
    planned: Planned,
) -> Result<(), Fault> {
    let id = record.id.clone();
    let log = begin_log(engine, &id)?;
    if let Err(fault) = engine.snapshots.add(record) {
        engine.builds.logs.remove(&id);
        return Err(fault);
    }
    let engine = Arc::clone(engine);
    tokio::spawn(async move {
        engine
            .snapshots
            .update(&id, |snapshot| snapshot.state = SnapshotState::Building);
        let size = match build(&engine, &planned, &log).await {
            Ok(Origin { seed: Some(seed), .. }) => copy_file(&seed, &engine.snapshots.archive(&id))
                .await
                .map(Some)
                .map_err(|fault| fault.message().to_owned()),
            Ok(Origin { seed: None, .. }) => Ok(None),
            Err(why) => Err(why),
        };
        let known = engine.snapshots.update(&id, |snapshot| match size {
            Ok(size) => {
                snapshot.size = size;
                snapshot.state = SnapshotState::Active;
            }
            Err(why) => {
                snapshot.state = SnapshotState::BuildFailed;
                snapshot.error_reason = Some(why);
            }
        });
        engine.builds.logs.end(&id);
        if known.is_none() {
            // It was deleted meanwhile.
            engine.snapshots.remove(&id);
            engine.builds.logs.remove(&id);
        }
    });
    Ok(())
}

/// Makes a snapshot whose files are there already, under another name.
pub(crate) async fn snapshot_of_files(
    engine: &SharedEngine,
    record: SnapshotRecord,
    files: &Path,
) -> Result<SnapshotRecord, Fault> {
    engine.snapshots.add(SnapshotRecord {
        state: SnapshotState::Pending,
        ..record.clone()
    })?;
    match copy_file(files, &engine.snapshots.archive(&record.id)).await {
        Ok(size) => {
            let made = engine.snapshots.update(&record.id, |snapshot| {
                snapshot.size = Some(size);
                snapshot.state = SnapshotState::Active;
            });
            Ok(made.unwrap_or(record))
        }
        Err(fault) => {
            engine.snapshots.remove(&record.id);
            Err(fault)
        }
    }
}

fn begin_log(engine: &SharedEngine, id: &str) -> Result<Arc<BuildLog>, Fault> {
    engine
        .builds
        .logs
        .begin(id)
        .map_err(|error| Fault::internal(format!("The build's log cannot be written: {error}.")))
}

async fn build(engine: &SharedEngine, planned: &Planned, log: &BuildLog) -> Result<Origin, String> {
    let building = async { planned.build(engine, log).await.map_err(Fault::internal) };
    let built = unless_ending(engine, building).await;
    built.map_err(|fault| {
        log.say(fault.message());
        fault.message().to_owned()
    })
}
