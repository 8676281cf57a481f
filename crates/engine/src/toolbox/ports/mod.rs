//! Ports of a sandbox: what listens there, and the way to it over HTTP.

mod listening;

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Extension, Json as Answer, Router};
use daytona::{PortInUse, PortList};

use crate::fault::Fault;
use crate::proxy;
use crate::registry::{Entry, Live};
use crate::sandbox::{FileError, FileFault};
use crate::state::SharedEngine;

/// The kernel's tables of TCP sockets, as the sandbox's network has them.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// The most bytes of a table that are read: some 400,000 sockets.
const MOST: u64 = 64 << 20;

pub(super) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/port", get(list))
        .route("/port/{port}/in-use", get(in_use))
        .route("/proxy/{port}", any(forward))
        .route("/proxy/{port}/", any(forward))
        .route("/proxy/{port}/{*path}", any(forward))
}

async fn list(Extension(live): Extension<Arc<Live>>) -> Result<Answer<PortList>, Fault> {
    let ports = listening(&live).await?.into_iter().collect();
    Ok(Answer(PortList { ports }))
}

/// What the path of a call about one port holds.
#[derive(serde::Deserialize)]
struct PortPath {
    port: String,
}

async fn in_use(
    Extension(live): Extension<Arc<Live>>,
    Path(PortPath { port }): Path<PortPath>,
) -> Result<Answer<PortInUse>, Fault> {
    let port = proxy::port(&port)?;
    let is_in_use = listening(&live).await?.contains(&port);
    Ok(Answer(PortInUse { is_in_use }))
}

/// The path is taken as it came, because the program may tell `%2F` from `/`.
async fn forward(
    State(engine): State<SharedEngine>,
    Extension(entry): Extension<Arc<Entry>>,
    Extension(live): Extension<Arc<Live>>,
    request: Request,
) -> Result<Response, Fault> {
    let path = request.uri().path();
    let rest = path.strip_prefix("/proxy/").unwrap_or(path);
    let (port, inner) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let (port, inner) = (proxy::port(port)?, inner.to_owned());
    let destination = proxy::Destination {
        engine: &engine,
        entry: &entry,
        live: &live,
        port,
        path: &inner,
        way: proxy::Way::Path,
    };
    let answer = proxy::forward(destination, request).await;
    answer.map_err(Fault::by_proxy)
}

async fn listening(live: &Live) -> Result<BTreeSet<u16>, Fault> {
    if !live.sandbox.has_ports() {
        return Err(Fault::bad_request(
            "Without namespaces a sandbox has no ports of its own.",
        ));
    }
    let mut ports = BTreeSet::new();
    let mut tables = 0;
    for path in TABLES {
        let table = match live.sandbox.open_read(path).await {
            Ok((table, _)) => read(table).await?,
            // Without IPv6 there is one table, and none without /proc.
            Err(FileError::Fault {
                fault: FileFault::NotFound,
                ..
            }) => continue,
            Err(error) => return Err(error.into()),
        };
        tables += 1;
        ports.extend(listening::ports(&table));
    }
    if tables == 0 {
        return Err(Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "This sandbox has no /proc, where alone its ports could be read. Allow it, see pitlane doctor.",
        ));
    }
    // The way out is the engine's, not a program's.
    if let Some(own) = live.sandbox.own_port() {
        ports.remove(&own);
    }
    Ok(ports)
}

async fn read(table: OwnedFd) -> Result<Vec<u8>, Fault> {
    let reading = tokio::task::spawn_blocking(move || {
        use std::io::Read;
        let mut bytes = Vec::new();
        std::fs::File::from(table)
            .take(MOST)
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    });
    let read = reading.await.map_err(std::io::Error::other).and_then(|read| read);
    read.map_err(|error| Fault::internal(format!("The sandbox's ports could not be read: {error}.")))
}
