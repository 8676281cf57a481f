//! Walking a tree inside a sandbox, folder by folder, within bounds.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{FileEntry, FileError, FileFault, FileKind};

/// Entries looked at before the walk is refused.
const MOST: usize = 200_000;
/// Bytes of the paths looked at before the walk is refused: what an answer
/// may hold.
const MOST_BYTES: usize = 64 << 20;
/// Folders below each other that are walked into.
const DEEPEST: usize = 128;
/// How long the walk may take.
const TIME: Duration = Duration::from_secs(120);

/// Gives every entry below `root`, parents first and sorted by name, down to
/// `depth` levels. Links are told, not followed. The root itself must be a
/// folder that can be read; folders below it that cannot are passed over.
pub(super) async fn walk(
    live: &Live,
    root: &str,
    depth: u32,
    mut each: impl FnMut(&str, &FileEntry) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let entries = live.sandbox.list(root).await?;
    let deadline = Instant::now() + TIME;
    let mut count = entries.len();
    let mut bytes = 0;
    let mut levels = vec![(root.trim_end_matches('/').to_owned(), entries.into_iter())];
    while let Some((folder, entries)) = levels.last_mut() {
        let Some(entry) = entries.next() else {
            levels.pop();
            continue;
        };
        let path = format!("{folder}/{}", entry.name);
        bytes += path.len();
        if bytes > MOST_BYTES || Instant::now() > deadline {
            return Err(too_much(root));
        }
        each(&path, &entry)?;
        let deeper = levels.len() < depth as usize && levels.len() < DEEPEST;
        if entry.stat.kind != FileKind::Folder || !deeper {
            continue;
        }
        let below = match live.sandbox.list(&path).await {
            Ok(below) => below,
            Err(FileError::Fault {
                fault: FileFault::Denied | FileFault::NotFound | FileFault::NotFolder,
                ..
            }) => continue,
            Err(error) => return Err(error.into()),
        };
        count += below.len();
        if count > MOST {
            return Err(too_much(root));
        }
        levels.push((path, below.into_iter()));
    }
    Ok(())
}

fn too_much(root: &str) -> Fault {
    Fault::bad_request(format!(
        "{root} holds more files than can be looked at in one call; name a folder further down."
    ))
}
