//! Packets with descriptors over a socket, without blocking.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use toolbox::frame::{self, Packet};

/// One end of a packet socket.
#[derive(Debug)]
pub(super) struct Packets {
    socket: AsyncFd<OwnedFd>,
}

impl Packets {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        // SAFETY: an OwnedFd names the same open descriptor for as long as it lives.
        let socket = unsafe { AsyncFd::register(socket)? };
        Ok(Self { socket })
    }

    pub(super) async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.socket
            .async_io(Interest::WRITABLE, |socket| frame::send(socket, bytes, &[]))
            .await
    }

    /// Sends if that is possible at once.
    pub(super) fn send_now(&self, bytes: &[u8]) -> io::Result<()> {
        frame::send(self.socket.get_ref(), bytes, &[])
    }

    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<Packet> {
        self.socket
            .async_io(Interest::READABLE, |socket| frame::receive(socket, buffer))
            .await
    }

    /// Lets the other end read the end; what it still says can be received.
    pub(super) fn close_writing(&self) {
        let _ = rustix::net::shutdown(self.socket.get_ref(), rustix::net::Shutdown::Write);
    }

    /// Lets both ends read the end, whoever else still holds this one.
    pub(super) fn close(&self) {
        // A socket whose other end is gone is closed already.
        let _ = rustix::net::shutdown(self.socket.get_ref(), rustix::net::Shutdown::Both);
    }
}
