//! Connections to what listens inside a sandbox, and what listens there.

use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};
use tokio::net::TcpStream;
use toolbox::protocol::{Call, Outcome};

use super::channel::CALL_TIME;
use super::handle::unexpected;
use super::{Sandbox, SandboxError};

/// How long a program that listens may leave a connection waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens there.
    #[error("nothing listens on port {0} in the sandbox")]
    Refused(u16),
    /// Something listens and takes no more connections.
    #[error("the program on port {0} in the sandbox takes no connections")]
    Busy(u16),
    /// The sandbox has the host's network or none.
    #[error("without namespaces a sandbox has no ports of its own")]
    NoPorts,
    /// The sandbox itself is not there any more, or does not answer.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl Sandbox {
    /// Whether it has ports that are not the host's.
    #[must_use]
    pub fn has_ports(&self) -> bool {
        self.shared.room.own_loopback
    }

    /// Connects to a program that listens on the sandbox's loopback device, on
    /// `127.0.0.1` or else on `::1`.
    ///
    /// # Errors
    /// When nothing listens there, or the sandbox has no ports.
    pub async fn connect(&self, port: u16) -> Result<TcpStream, ConnectError> {
        if !self.has_ports() {
            return Err(ConnectError::NoPorts);
        }
        for ipv6 in [false, true] {
            if let Some(stream) = self.connect_to(port, ipv6).await? {
                return Ok(stream);
            }
        }
        Err(ConnectError::Refused(port))
    }

    /// `None` when nothing listens on this address.
    async fn connect_to(&self, port: u16, ipv6: bool) -> Result<Option<TcpStream>, ConnectError> {
        let answer = self.call(Call::Connect { port, ipv6 }, CALL_TIME).await?;
        let stream = match answer.outcome {
            Outcome::Connecting => stream(answer.descriptors, ipv6)?,
            Outcome::Errno(errno) => return absent(io::Error::from_raw_os_error(errno)),
            other => return Err(unexpected(&other).into()),
        };
        match tokio::time::timeout(PATIENCE, stream.writable()).await {
            Err(_) => return Err(ConnectError::Busy(port)),
            Ok(Err(error)) => return absent(error),
            Ok(Ok(())) => {}
        }
        match stream.take_error() {
            Ok(None) => Ok(Some(stream)),
            Ok(Some(error)) | Err(error) => absent(error),
        }
    }
}

fn absent(error: io::Error) -> Result<Option<TcpStream>, ConnectError> {
    match error.raw_os_error() {
        // The second: there is no such address where IPv6 is switched off.
        Some(libc::ECONNREFUSED | libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT) => Ok(None),
        _ => Err(SandboxError::System(format!("A connection into the sandbox failed: {error}")).into()),
    }
}

/// Takes exactly one TCP socket and keeps it from blocking.
fn stream(descriptors: Vec<OwnedFd>, ipv6: bool) -> Result<TcpStream, SandboxError> {
    let wrong = || SandboxError::Protocol("something else than a connection".into());
    let [socket] = <[OwnedFd; 1]>::try_from(descriptors).map_err(|_| wrong())?;
    let family = if ipv6 {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let is_tcp = socket_type(&socket) == Ok(SocketType::STREAM) && socket_domain(&socket) == Ok(family);
    if !is_tcp {
        return Err(wrong());
    }
    let system = |error: io::Error| SandboxError::System(error.to_string());
    rustix::io::ioctl_fionbio(&socket, true).map_err(|error| system(error.into()))?;
    let stream = TcpStream::from_std(StdStream::from(socket)).map_err(system)?;
    stream.set_nodelay(true).map_err(system)?;
    Ok(stream)
}
