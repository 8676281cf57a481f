//! Copies of a sandbox's home, whatever state it is in.

use std::path::Path;

use daytona::SandboxState;

use super::unless_ending;
use crate::archive;
use crate::fault::Fault;
use crate::network::NetworkWish;
use crate::registry::{Entry, Record};
use crate::sandbox::{SandboxError, SandboxSpec};
use crate::state::{Engine, SharedEngine};

/// Copies the home into an archive; gives its size in bytes. The change of the
/// sandbox's state is the caller's, who shows another state meanwhile and says
/// which one was before.
///
/// A stopped sandbox gets its walls for this, and nothing runs in them but the
/// copy; it is not shown as started.
pub(super) async fn copy(
    engine: &SharedEngine,
    entry: &Entry,
    before: SandboxState,
    to: &Path,
) -> Result<u64, Fault> {
    let record = entry.record().clone();
    let leave_out = record.not_its_own();
    let disk = record.spec().disk_bytes;
    let copied = async {
        if let Some(live) = entry.live() {
            return archive::pack(&live.sandbox, &leave_out, disk, to).await;
        }
        if before == SandboxState::Archived {
            return copy_file(&engine.archive(&entry.id), to).await;
        }
        let sandbox = engine.host.create(quiet(engine, &record)?).await?;
        let packed = archive::pack(&sandbox, &[], disk, to).await;
        let ended = sandbox.destroy().await;
        let size = packed?;
        ended?;
        Ok(size)
    };
    unless_ending(engine, copied).await
}

/// The walls for a home alone: no network, no volumes.
fn quiet(engine: &Engine, record: &Record) -> Result<SandboxSpec, Fault> {
    Ok(SandboxSpec {
        root: engine.root(record.image.as_deref())?,
        network: NetworkWish::nothing(),
        places: Vec::new(),
        ..record.spec()
    })
}

/// A file under a second name, or a copy where that cannot be.
pub(super) async fn copy_file(from: &Path, to: &Path) -> Result<u64, Fault> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::fs::hard_link(&from, &to).is_err() {
            // Not seen under its name before it is whole.
            let part = to.with_extension("part");
            std::fs::copy(&from, &part)?;
            std::fs::rename(&part, &to)?;
        }
        Ok(std::fs::metadata(&to)?.len())
    });
    match copied.await {
        Ok(Ok(size)) => Ok(size),
        Ok(Err(error)) => {
            let error: std::io::Error = error;
            Err(Fault::internal(format!(
                "The copy of the sandbox's files cannot be written: {error}."
            )))
        }
        Err(error) => Err(SandboxError::System(error.to_string()).into()),
    }
}

/// Whether a sandbox has files that could be copied.
pub(super) fn can_be_copied(record: &Record) -> bool {
    matches!(
        record.state,
        SandboxState::Started | SandboxState::Stopped | SandboxState::Paused | SandboxState::Archived
    )
}
