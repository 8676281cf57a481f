//! From a sandbox's home to a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::flow::Way;
use crate::fault::Fault;
use crate::sandbox::{Sandbox, StdinKind};

/// What an archive may be larger than the disk it is of: heads of files.
const SLACK: u64 = 64 << 20;

/// The arguments are what to leave out, below the home. A file that changes
/// while it is read (code 1) is what a copy of something alive is.
const SCRIPT: &str = r#"
leave=()
for path in "$@"; do leave+=("--exclude=./$path"); done
if command -v zstd >/dev/null 2>&1; then squeeze=(zstd -q -1 -c); else squeeze=(gzip -1 -c); fi
tar --create --file=- --sparse --one-file-system --anchored --no-wildcards "${leave[@]}" . | "${squeeze[@]}"
codes=("${PIPESTATUS[@]}")
[ "${codes[0]}" -le 1 ] || exit "${codes[0]}"
exit "${codes[1]}"
"#;

/// Packs the home of a running sandbox into `to`, which is there whole or not
/// at all. `leave_out` are paths below the home; the archive may be as large as
/// the sandbox's disk. Gives the archive's size in bytes.
///
/// # Errors
/// When something cannot be read, the bound is met, or the disk is full.
pub(crate) async fn pack(
    sandbox: &Sandbox,
    leave_out: &[String],
    disk_bytes: u64,
    to: &Path,
) -> Result<u64, Fault> {
    let part = to.with_extension("part");
    let packed = pack_part(sandbox, leave_out, disk_bytes, &part).await;
    let kept = match packed {
        Ok(()) => keep(part.clone(), to.to_owned()).await,
        Err(fault) => Err(fault),
    };
    if kept.is_err() {
        // The first error is the one that counts.
        let _ = tokio::fs::remove_file(&part).await;
    }
    kept
}

async fn pack_part(
    sandbox: &Sandbox,
    leave_out: &[String],
    disk_bytes: u64,
    part: &Path,
) -> Result<(), Fault> {
    let file = create(part).map_err(|error| unwritten(&error))?;
    let mut leave_out = leave_out.to_vec();
    if sandbox.home() != crate::sandbox::HOME {
        // Without a mount namespace temporary files are in the home.
        leave_out.push(".tmp".to_owned());
    }
    let process = super::run(sandbox, SCRIPT, &leave_out, StdinKind::Null).await?;
    let way = Way::Out {
        file,
        most: disk_bytes.saturating_add(SLACK),
    };
    super::finish(sandbox, process, way, "The sandbox's files could not be copied").await
}

fn create(part: &Path) -> std::io::Result<File> {
    if let Some(folder) = part.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(part)
}

async fn keep(part: PathBuf, to: PathBuf) -> Result<u64, Fault> {
    let kept = async {
        tokio::fs::rename(&part, &to).await?;
        Ok(tokio::fs::metadata(&to).await?.len())
    };
    kept.await.map_err(|error: std::io::Error| unwritten(&error))
}

fn unwritten(error: &std::io::Error) -> Fault {
    Fault::internal(format!(
        "The copy of the sandbox's files cannot be written: {error}."
    ))
}
