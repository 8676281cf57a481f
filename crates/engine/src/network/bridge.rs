//! Bytes both ways between a program in a sandbox and a server outside.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};

use super::gate::{Gate, Way};

/// A connection over which nothing was said for so long ends; it may take
/// twice the time to be noticed.
const SILENCE: Duration = Duration::from_secs(15 * 60);
const BUFFER: usize = 64 * 1024;

/// Carries bytes both ways until both ends are done, one breaks, nothing was
/// said for long, or the way is not allowed any more.
pub(super) async fn carry<C, S>(mut client: C, server: S, gate: &Gate, way: &Way) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let heard = Arc::new(AtomicBool::new(false));
    let mut server = Heard {
        stream: server,
        heard: Arc::clone(&heard),
    };
    tokio::select! {
        copied = copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER) => copied.map(drop),
        () = silence(&heard, SILENCE) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was said for long")),
        () = gate.until_forbidden(way) => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not allowed any more"))
        }
    }
}

/// Waits until nothing was heard for a time.
async fn silence(heard: &AtomicBool, time: Duration) {
    loop {
        tokio::time::sleep(time).await;
        if !heard.swap(false, Ordering::Relaxed) {
            return;
        }
    }
}

/// A stream that notes that it is used.
struct Heard<S> {
    stream: S,
    heard: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.heard.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.heard.store(true, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn silence_is_noticed_and_use_is_not_silence() {
        let began = std::time::Instant::now();
        let time = Duration::from_millis(50);
        silence(&AtomicBool::new(false), time).await;
        silence(&AtomicBool::new(true), time).await;
        assert!(began.elapsed() >= 3 * time);
    }
}
