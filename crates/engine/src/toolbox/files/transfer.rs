//! Bytes of files, in and out of a sandbox.

use std::os::fd::OwnedFd;

use axum::http::StatusCode;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fault::Fault;
use crate::registry::Live;

/// Permissions of a new file, as a shell with the usual umask gives.
const MODE: u32 = 0o644;
/// Bytes moved per turn of the thread that does the blocking work.
pub(super) const PIECE: usize = 256 << 10;

/// The descriptor as an asynchronous file.
pub(super) fn file(descriptor: OwnedFd) -> File {
    let mut file = File::from_std(descriptor.into());
    file.set_max_buf_size(PIECE);
    file
}

/// Writes a file that fits in memory; parents are made.
pub(in crate::toolbox) async fn write(live: &Live, path: &str, content: &[u8]) -> Result<(), Fault> {
    let mut file = file(live.sandbox.open_write(path, MODE, true).await?);
    let written = async {
        file.write_all(content).await?;
        file.flush().await
    };
    written.await.map_err(|error| unwritten(path, &error))
}

/// Writes what comes; gives how many bytes. An error of the source is told as
/// the caller's.
pub(super) async fn write_stream<E: std::fmt::Display>(
    live: &Live,
    path: &str,
    mut source: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<u64, Fault> {
    let mut file = file(live.sandbox.open_write(path, MODE, true).await?);
    let mut total = 0;
    while let Some(bytes) = source.next().await {
        let bytes =
            bytes.map_err(|error| Fault::bad_request(format!("The upload of {path} broke off: {error}.")))?;
        file.write_all(&bytes)
            .await
            .map_err(|error| unwritten(path, &error))?;
        total += bytes.len() as u64;
    }
    file.flush().await.map_err(|error| unwritten(path, &error))?;
    Ok(total)
}

/// Whether a file can be read.
pub(super) async fn check(live: &Live, path: &str) -> Result<(), Fault> {
    live.sandbox.open_read(path).await?;
    Ok(())
}

/// Reads a whole file of at most `most` bytes.
pub(in crate::toolbox) async fn read(live: &Live, path: &str, most: u64) -> Result<Vec<u8>, Fault> {
    let (descriptor, stat) = live.sandbox.open_read(path).await?;
    let too_large = || Fault::bad_request(format!("{path} is larger than {} MiB.", most >> 20));
    if stat.size > most {
        return Err(too_large());
    }
    let mut content = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
    // The file may grow while it is read; the limit holds all the same.
    let read = file(descriptor).take(most + 1).read_to_end(&mut content).await;
    read.map_err(|error| Fault::internal(format!("{path} could not be read: {error}.")))?;
    if content.len() as u64 > most {
        return Err(too_large());
    }
    Ok(content)
}

fn unwritten(path: &str, error: &std::io::Error) -> Fault {
    let status = match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Fault::new(status, format!("{path} could not be written: {error}."))
}
