//! The engine's end of a sandbox's network device, without blocking.

use std::io;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, fstat, major, minor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::SandboxError;

/// The kernel's number of `/dev/net/tun`.
const NUMBER: (u32, u32) = (10, 200);

/// A network device whose packets are read and written here. It is gone when
/// this is.
#[derive(Debug)]
pub(crate) struct Tun {
    device: AsyncFd<OwnedFd>,
}

impl Tun {
    /// Takes a descriptor that came from a sandbox: it has to be such a device.
    pub(super) fn new(descriptor: OwnedFd) -> Result<Self, SandboxError> {
        let known = fstat(&descriptor).map_err(|error| SandboxError::System(error.to_string()))?;
        let is_device = FileType::from_raw_mode(known.st_mode) == FileType::CharacterDevice
            && (major(known.st_rdev), minor(known.st_rdev)) == NUMBER;
        if !is_device {
            return Err(SandboxError::Protocol(
                "something else than a network device".into(),
            ));
        }
        let opened = rustix::io::ioctl_fionbio(&descriptor, true)
            .map_err(io::Error::from)
            .and_then(|()| {
                // SAFETY: an OwnedFd names the same open descriptor for as long as it lives.
                unsafe { AsyncFd::register(descriptor) }.map_err(io::Error::from)
            });
        let device = opened
            .map_err(|error| SandboxError::System(format!("The network device cannot be used: {error}")))?;
        Ok(Self { device })
    }

    /// Reads the next packet into an empty buffer, whose room bounds it.
    pub(crate) async fn read(&self, packet: &mut Vec<u8>) -> io::Result<()> {
        self.device
            .async_io(Interest::READABLE, |device| {
                rustix::io::read(device, spare_capacity(packet)).map_err(Into::into)
            })
            .await
            .map(drop)
    }

    /// Reads a packet when one is there.
    pub(crate) fn read_now(&self, packet: &mut Vec<u8>) -> io::Result<bool> {
        match rustix::io::read(self.device.get_ref(), spare_capacity(packet)) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a packet. One that the kernel does not take is lost, as packets
    /// may be.
    pub(crate) async fn write(&self, packet: &[u8]) -> io::Result<()> {
        let written = self
            .device
            .async_io(Interest::WRITABLE, |device| {
                rustix::io::write(device, packet).map_err(Into::into)
            })
            .await;
        match written {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EINVAL | libc::ENOBUFS | libc::ENOMEM)
                ) =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }
}
