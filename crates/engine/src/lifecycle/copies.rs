//! What is made from a sandbox: snapshots, forks and backups.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use daytona::{SandboxState, SnapshotState};

use super::change::{begin, to_the_end};
use super::create::{add, bring_up, discard};
use super::files;
use crate::fault::Fault;
use crate::registry::{Entry, Record};
use crate::snapshots::{Origin, SnapshotRecord};
use crate::state::SharedEngine;
use crate::{clock, leftovers};

/// Refuses a sandbox whose files are not at hand.
fn check(record: &Record, what: &str) -> Result<(), Fault> {
    if files::can_be_copied(record) {
        return Ok(());
    }
    Err(Fault::bad_request(format!(
        "Sandbox is {} and cannot be {what}",
        record.state.as_str()
    )))
}

/// Runs `work` while the sandbox shows `state`, and goes back to where it was.
async fn meanwhile<T>(
    entry: &Entry,
    state: SandboxState,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let before = entry.record().state;
    entry.update(|record| record.state = state);
    let done = work.await;
    // It may have died meanwhile; then that is its state.
    entry.update(|record| {
        if record.state == state {
            record.state = before;
        }
    });
    done
}

/// Makes a snapshot of a sandbox's home.
pub(crate) async fn snapshot(engine: &SharedEngine, entry: &Arc<Entry>, name: &str) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let record = entry.record().clone();
    check(&record, "made a snapshot of")?;
    let origin = Origin {
        image: record.image.clone(),
        seed: None,
        start: record.start.clone(),
    };
    let size = (record.cpu, record.memory, record.disk);
    let snapshot = SnapshotRecord {
        state: SnapshotState::Snapshotting,
        source_sandbox: Some(entry.id.clone()),
        ..SnapshotRecord::new(&record.organization, name, origin, size)
    };
    let id = snapshot.id.clone();
    engine.snapshots.add(snapshot)?;
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        let to = engine.snapshots.archive(&id);
        let copying = files::copy(&engine, &entry, record.state, &to);
        let copied = meanwhile(&entry, SandboxState::Snapshotting, copying).await;
        engine.snapshots.update(&id, |snapshot| match &copied {
            Ok(size) => {
                snapshot.size = Some(*size);
                snapshot.state = SnapshotState::Active;
            }
            Err(fault) => {
                snapshot.state = SnapshotState::Error;
                snapshot.error_reason = Some(fault.message().to_owned());
            }
        });
        copied.map(drop)
    })
    .await
}

/// Makes a new sandbox of the same kind with a copy of this one's home, and
/// starts it.
pub(crate) async fn fork(
    engine: &SharedEngine,
    entry: &Arc<Entry>,
    name: Option<String>,
) -> Result<Arc<Entry>, Fault> {
    let change = begin(entry).await?;
    let parent = entry.record().clone();
    check(&parent, "forked")?;
    let id = uuid::Uuid::new_v4().to_string();
    let now = clock::now_ms();
    let before = parent.state;
    let record = Record {
        name: name.unwrap_or_else(|| id.clone()),
        parent: Some(entry.id.clone()),
        // What was signed for one does not open the other.
        signing_key: None,
        to_destroy: false,
        linked: None,
        destroy_at_ms: None,
        state: SandboxState::Creating,
        error_reason: None,
        created_ms: now,
        updated_ms: now,
        last_activity_ms: now,
        stopped_ms: None,
        unarchived_ms: None,
        backup_ms: None,
        id,
        ..parent
    };
    let made = add(engine, record)?;
    let (engine, entry, fork) = (Arc::clone(engine), Arc::clone(entry), Arc::clone(&made));
    to_the_end(async move {
        let _change = change;
        let _birth = fork.change.lock().await;
        // Named like the fork's own archive, so that it goes with the fork.
        let seed = Seed(engine.archive(&fork.id));
        let copying = files::copy(&engine, &entry, before, &seed.0);
        let copied = meanwhile(&entry, SandboxState::Forking, copying).await;
        let started = match copied {
            Ok(_) => bring_up(&engine, &fork, Some(&seed.0), Instant::now()).await,
            Err(fault) => Err(fault),
        };
        if started.is_err() {
            discard(&engine, &fork).await;
        }
        started
    })
    .await?;
    Ok(made)
}

/// The copy on the way to a fork, removed when this goes.
struct Seed(PathBuf);

impl Drop for Seed {
    fn drop(&mut self) {
        leftovers::remove_file(&self.0);
    }
}

/// Keeps a copy of a sandbox's home, for `recover`.
pub(crate) async fn back_up(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let record = entry.record().clone();
    if record.ephemeral() {
        return Err(Fault::bad_request("Ephemeral sandboxes are not backed up"));
    }
    check(&record, "backed up")?;
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        files::copy(&engine, &entry, record.state, &engine.backup(&entry.id)).await?;
        entry.update(|record| record.backup_ms = Some(clock::now_ms()));
        Ok(())
    })
    .await
}
