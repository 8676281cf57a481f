//! The way out of a sandbox that may use the network: an HTTP proxy on a socket
//! that listens inside the sandbox's own network and is served out here.
//!
//! The sandbox stays in its own network namespace, where nothing but its
//! loopback device is. Names are resolved here, and each address is judged
//! after that, so that no name can stand for a forbidden one.

mod policy;
mod proxy;

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;

use policy::Policy;
use tokio::net::TcpListener;

/// The port of the proxy on the sandbox's own loopback device.
pub(crate) const PROXY_PORT: u16 = 3128;

/// Serves the proxy on the listening socket until the future is dropped, and
/// every connection with it.
pub(crate) fn serve(listener: OwnedFd) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = std::net::TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    Ok(proxy::serve(TcpListener::from_std(listener)?, Policy::default()))
}
