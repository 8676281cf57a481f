//! Reading a program's pipe.

use std::os::fd::AsFd;

use bytes::BytesMut;
use rustix::io::Errno;

/// Reads once, at the end of `buffer`: at most `most` bytes, and no more than
/// it has capacity for. Gives how many; 0 at the pipe's end.
///
/// # Errors
/// What the system says, but no interruption.
pub fn read_pipe(pipe: impl AsFd, buffer: &mut BytesMut, most: usize) -> Result<usize, Errno> {
    let room = most.min(buffer.capacity() - buffer.len());
    let length = rustix::io::retry_on_intr(|| {
        let (read, _) = rustix::io::read(&pipe, &mut buffer.spare_capacity_mut()[..room])?;
        Ok(read.len())
    })?;
    // SAFETY: the system has written so many bytes behind the last one.
    unsafe {
        buffer.set_len(buffer.len() + length);
    }
    Ok(length)
}
