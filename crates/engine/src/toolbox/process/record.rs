//! Reading a pipe into a record: its bytes behind the space for a header.

use std::os::fd::OwnedFd;

use bytes::{BufMut, BytesMut};
use daytona::wire::frames::{HEADER_LENGTH, MESSAGE_LIMIT};
use rustix::io::Errno;

use crate::sandbox::read_pipe;
use crate::spool::READ_LENGTH;

/// The least room for a read: below it, a new piece of memory is taken.
const LEAST: usize = MESSAGE_LIMIT / 4;

/// What was read at once.
pub(super) struct Read {
    /// `HEADER_LENGTH` bytes for the header, and what was read.
    pub record: BytesMut,
    /// How much was read.
    pub length: usize,
    /// There was no room for more, so there may be more.
    pub filled: bool,
}

/// Reads once. The record is cut from `buffer`, which is empty before and
/// after; its memory is used again when all records cut from it are gone. `None`
/// at the pipe's end.
///
/// # Errors
/// What the system says, but no interruption.
pub(super) fn read_record(pipe: &OwnedFd, buffer: &mut BytesMut) -> Result<Option<Read>, Errno> {
    if buffer.capacity() < HEADER_LENGTH + LEAST {
        buffer.reserve(MESSAGE_LIMIT);
    }
    let room = READ_LENGTH.min(buffer.capacity() - HEADER_LENGTH);
    buffer.put_bytes(0, HEADER_LENGTH);
    match read_pipe(pipe, buffer, room) {
        Ok(length @ 1..) => Ok(Some(Read {
            record: buffer.split(),
            length,
            filled: length == room,
        })),
        nothing => {
            buffer.clear();
            nothing.map(|_| None)
        }
    }
}
