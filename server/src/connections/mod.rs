//! Answers connections, within bounds: how many are open, how large and how
//! slow the head of a request may be, how long a peer may take nothing of its
//! answer. When as many are open as may be, one that waits for nothing makes
//! room; when all are at work, a newcomer is told to come again.
//!
//! HTTP/1.1 alone is spoken: what is not offered cannot be turned against us,
//! and every proxy speaks it.

mod held;
mod open;
mod stalling;
#[cfg(test)]
mod tests;

pub use held::hold_until_sent;

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use open::{Connection, Open};
use stalling::Stalling;
use std::{convert::Infallible, io::ErrorKind, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// The most that the head of a request may have, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// The most headers of a request.
const HEADERS: usize = 100;
/// The most that is held of what a peer sent and was not read, or is sent and it did not take, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
/// How many are told at once that there is no room; more are closed without a word.
const FAREWELLS: usize = 64;
/// How long telling that may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// The pause after the system could not give a connection, mostly because too many files are open.
const PAUSE: Duration = Duration::from_millis(100);
/// What a newcomer is told when all connections are at work.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n\
content-type: application/json\r\ncache-control: no-store\r\ncontent-length: 107\r\n\r\n\
{\"code\":\"unavailable\",\"text\":\"Pitlane has as many connections as it may have. Try again in a few seconds.\"}";

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many connections are open at most.
    pub connections: usize,
    /// How long the head of a request may take; also how long a connection may wait for its next one.
    pub head: Duration,
    /// How long a peer may take nothing of what is sent to it.
    pub stalled: Duration,
}

impl Bounds {
    /// The usual times.
    pub const fn new(connections: usize) -> Self {
        Self {
            connections,
            head: Duration::from_secs(30),
            stalled: Duration::from_secs(60),
        }
    }
}

/// Answers until `shutdown`, then lets what is under way end.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, shutdown: CancellationToken) {
    let open = Open::new(bounds.connections);
    let farewells = Arc::new(Semaphore::new(FAREWELLS));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !is_of_the_peer(error.kind()) {
                    tracing::warn!(%error, "no connection can be taken; tried again in a moment");
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            }
        };
        // A line of a log must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        match open.admit() {
            Some(connection) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                tasks.spawn(answer(stream, peer, router, bounds, connection, shutdown));
            }
            None => {
                if let Ok(permit) = Arc::clone(&farewells).try_acquire_owned() {
                    tasks.spawn(async move {
                        turn_away(stream).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// Whether accepting failed because the peer was gone already.
fn is_of_the_peer(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    bounds: Bounds,
    connection: Connection,
    shutdown: CancellationToken,
) {
    let io = TokioIo::new(Stalling::new(stream, bounds.stalled));
    let activity = connection.activity();
    let service = service_fn(|request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let at_work = activity.begin();
        let answered = router.clone().oneshot(request);
        async move {
            let response = answered.await?;
            Ok::<_, Infallible>(hold_until_sent(response, at_work))
        }
    });
    let mut answering = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_header_size(HEAD_BYTES)
            .max_headers(HEADERS)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(io, service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = &mut answering => ended,
        () = connection.made_room() => return,
        () = shutdown.cancelled() => {
            answering.as_mut().graceful_shutdown();
            answering.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Says that there is no room. What the peer sends meanwhile is read, because closing before would
/// take the answer away from it.
async fn turn_away(mut stream: TcpStream) {
    let told = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await?;
        let mut sent = [0; 1024];
        while stream.read(&mut sent).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _ = tokio::time::timeout(FAREWELL, told).await;
}
