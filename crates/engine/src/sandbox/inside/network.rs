//! The sandbox's own host name and network: a loopback device and, when it may
//! reach the outside by a proxy, a socket that the engine serves.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen as listen_on, socket_with};

use super::{Setup, step};
use crate::network::plan::PROXY_PORT;

/// How many connections may wait for the proxy.
const BACKLOG: i32 = 64;

pub(super) fn name_host() -> Setup<()> {
    step("name the host", rustix::system::sethostname(b"sandbox"))
}

pub(super) fn loopback_up() -> Setup<()> {
    let socket = step("open a socket", stream_or_datagram(SocketType::DGRAM))?;
    // SAFETY: the request is a plain structure that is zero where it is not
    // set, and outlives the call.
    let done = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request)
    };
    step(
        "start the loopback device",
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        },
    )
}

/// Listens where the sandbox's programs are told their proxy is.
pub(super) fn listen() -> Setup<OwnedFd> {
    let socket = step("open the proxy's socket", stream_or_datagram(SocketType::STREAM))?;
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, PROXY_PORT);
    step("bind the proxy's socket", bind(&socket, &address))?;
    step("listen for the proxy", listen_on(&socket, BACKLOG))?;
    Ok(socket)
}

pub(super) fn stream_or_datagram(kind: SocketType) -> rustix::io::Result<OwnedFd> {
    socket_with(
        AddressFamily::INET,
        kind,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )
}
