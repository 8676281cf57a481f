//! What sandboxes reach outside themselves, and how.
//!
//! The operator's bound and the sandbox's wish meet in the gate of each
//! sandbox. Behind it there is one of two ways out: a network device whose
//! packets end here (`tun/`), so that every program has a network, or, where
//! the kernel offers none, an HTTP proxy on a socket that listens inside the
//! sandbox's own network. Never both: one way is one place to judge.
//!
//! Names are resolved here and each address is judged after that, so that no
//! name can stand for a forbidden one, and the address that is connected to is
//! the one that was judged.

mod address;
mod bound;
mod bridge;
mod domains;
mod gate;
mod names;
pub(crate) mod plan;
mod proxy;
mod question;
mod refusal;
mod tun;
mod wish;

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::sandbox::Tun;
pub use bound::NetworkBound;
pub use domains::DomainPattern;
pub(crate) use gate::Gate;
pub use wish::NetworkWish;

/// Serves a sandbox's network device until the future is dropped, and every
/// connection with it.
pub(crate) async fn serve_tun(device: Tun, gate: Arc<Gate>) {
    if let Err(error) = tun::serve(device, gate).await {
        // The device goes with the sandbox.
        tracing::debug!(%error, "a sandbox's network device ended");
    }
}

/// Serves the proxy on the listening socket until the future is dropped, and
/// every connection with it.
pub(crate) fn serve_proxy(
    listener: OwnedFd,
    gate: Arc<Gate>,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = std::net::TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    Ok(proxy::serve(TcpListener::from_std(listener)?, gate))
}
