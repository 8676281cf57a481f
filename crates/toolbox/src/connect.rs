//! Connections from outside to a program that listens inside.
//!
//! The socket has to be made in here, because a socket belongs to the network
//! it was made in. Pid 1 only begins the connection; the engine, which gets the
//! socket, waits for it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

/// A socket on its way to the port.
pub(crate) fn begin(port: u16, ipv6: bool) -> Result<OwnedFd, Errno> {
    let (family, address) = if ipv6 {
        (
            AddressFamily::INET6,
            SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
        )
    } else {
        (AddressFamily::INET, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn outcome(socket: &OwnedFd) -> Result<(), Errno> {
        let mut sockets = [PollFd::new(socket, PollFlags::OUT)];
        poll(&mut sockets, None).expect("a socket can be waited for");
        rustix::net::sockopt::socket_error(socket).expect("a socket has this option")
    }

    #[test]
    fn a_connection_stands_or_is_refused() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let socket = begin(port, false).expect("it can be begun");
        assert_eq!(outcome(&socket), Ok(()));
        drop((listener, socket));
        let refused = begin(port, false).and_then(|socket| outcome(&socket));
        assert_eq!(refused, Err(Errno::CONNREFUSED));
    }
}
