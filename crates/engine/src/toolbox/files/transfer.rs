//! Bytes of files, in and out of a sandbox.
//!
//! A transfer ends with its sandbox, however slow the client at its other end
//! is: while a file of a kept home is open, the home cannot be used again.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::ReaderStream;

use crate::fault::Fault;
use crate::registry::{Activity, Live};
use crate::sandbox::EndReason;

/// Permissions of a new file, as a shell with the usual umask gives.
const MODE: u32 = 0o644;
/// Bytes moved per turn of the thread that does the blocking work.
const PIECE: usize = 256 << 10;

/// The descriptor as an asynchronous file.
pub(super) fn file(descriptor: OwnedFd) -> File {
    let mut file = File::from_std(descriptor.into());
    file.set_max_buf_size(PIECE);
    file
}

/// The next `length` bytes of a file. When its sandbox ends they break off, and the file is closed.
/// Each piece that is taken is a use of the sandbox, where that is wanted: a client that stalls
/// does not keep it from being stopped for want of use.
pub(super) fn pieces(
    live: &Live,
    file: File,
    length: u64,
    used: Option<Arc<Activity>>,
) -> ReceiverStream<std::io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(1);
    let mut ended = live.sandbox.ended();
    tokio::spawn(async move {
        let to = sender.clone();
        let mut reading = Box::pin(async move {
            let mut pieces = ReaderStream::with_capacity(file.take(length), PIECE);
            while let Some(piece) = pieces.next().await {
                if to.send(piece).await.is_err() {
                    return;
                }
                if let Some(used) = &used {
                    used.touch();
                }
            }
        });
        tokio::select! {
            () = &mut reading => {}
            () = end_of(&mut ended) => {
                close(reading).await;
                // Where there is no room for it, that fewer bytes come than were promised says the same.
                let _ = sender.try_send(Err(std::io::Error::other("the sandbox has ended")));
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn end_of(sandbox: &mut watch::Receiver<Option<EndReason>>) {
    // One that is dropped has ended as well.
    let _ = sandbox.wait_for(Option::is_some).await;
}

/// Lets go of the file of a sandbox that has ended. Where that is the last use of
/// its home, the home's file system is written out and goes, which may take long.
async fn close(file: impl Send + 'static) {
    let _ = tokio::task::spawn_blocking(move || drop(file)).await;
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
    let mut ended = live.sandbox.ended();
    let mut total = 0;
    loop {
        let next = tokio::select! {
            biased;
            () = end_of(&mut ended) => {
                close(file).await;
                let gone = format!("The upload of {path} broke off: the sandbox has ended.");
                return Err(Fault::new(StatusCode::BAD_GATEWAY, gone));
            }
            next = source.next() => next,
        };
        let Some(bytes) = next else { break };
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
