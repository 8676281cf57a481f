//! Home folders in an image file: a hard bound of bytes and files on any host
//! file system, where there is root and a loop device.

use std::ffi::{CStr, CString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use super::home_images;

/// From the kernel's `linux/loop.h`.
const LOOP_CONFIGURE: u64 = 0x4C0A;
const LOOP_CTL_GET_FREE: u64 = 0x4C82;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// The kernel's `struct loop_config`; all but three fields stay zero.
#[repr(C)]
#[derive(Default)]
struct LoopConfig {
    image: u32,
    block_size: u32,
    identity: [u64; 5],
    number_and_key: [u32; 3],
    flags: u32,
    names_and_key: [[u64; 20]; 1],
    init: [u64; 2],
    reserved: [u64; 8],
}
const _: () = assert!(size_of::<LoopConfig>() == 304, "the kernel refuses another size");

/// Other sandboxes may take the same free device first.
const ATTEMPTS: usize = 16;

/// An image on a loop device that frees itself when it is no longer mounted
/// and this is dropped.
pub(crate) struct Attached {
    _device: File,
    path: CString,
}

impl Attached {
    pub(crate) fn device(&self) -> &CStr {
        &self.path
    }
}

/// Attaches an image, which nobody else uses then, to a free loop device.
pub(crate) fn attach(image: &Path) -> io::Result<Attached> {
    let image = home_images::take(image)?;
    let control = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/loop-control")?;
    for _ in 0..ATTEMPTS {
        // SAFETY: the request takes no argument and returns a number.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as _) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        let path = format!("/dev/loop{number}");
        let device = OpenOptions::new().read(true).write(true).open(&path)?;
        let image = u32::try_from(image.as_raw_fd()).map_err(io::Error::other)?;
        let setup = LoopConfig {
            image,
            flags: LO_FLAGS_AUTOCLEAR,
            ..LoopConfig::default()
        };
        // SAFETY: the structure has the kernel's layout and outlives the call.
        let done = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE as _, &raw const setup) };
        if done == 0 {
            let path = CString::new(path).map_err(io::Error::other)?;
            return Ok(Attached {
                _device: device,
                path,
            });
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EBUSY) {
            return Err(error);
        }
    }
    Err(io::Error::from(io::ErrorKind::ResourceBusy))
}
