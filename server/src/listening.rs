//! Opening the port, and saying why when it cannot be had.

use crate::failure::Failure;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

/// How many connections may wait to be taken.
const BACKLOG: i32 = 1024;
/// Files that the process opens besides connections: databases, logs, connections of its own.
const OTHER_FILES: u64 = 512;

/// Opens it for listening, without blocking. `setting` is what to change when that fails.
///
/// # Errors
/// When the port is taken, needs more rights, or is not of this machine.
pub fn bind(addr: SocketAddr, setting: &str) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(addr).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AddrInUse => "another program listens there, perhaps another Pitlane".to_owned(),
            ErrorKind::PermissionDenied => "ports below 1024 need more rights".to_owned(),
            ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        Failure::unusable(format!("Pitlane cannot listen on {addr}: {why}. Choose another with {setting}, such as {setting} 127.0.0.1:3001."))
    })?;
    // The library's own queue of connections that wait to be taken is short.
    let _ = rustix::net::listen(&listener, BACKLOG);
    listener
        .set_nonblocking(true)
        .map_err(|error| Failure::new(format!("The socket cannot be used: {error}.")))?;
    Ok(listener)
}

/// How many of `wanted` connections this system lets the process have. Systems start processes with
/// few open files and allow more.
pub fn possible(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let most = usize::try_from(files.saturating_sub(OTHER_FILES).max(files / 2)).unwrap_or(usize::MAX);
    if most < wanted {
        tracing::warn!(
            "this system lets Pitlane open {files} files, so the site has {most} connections at most, not {wanted}"
        );
    }
    wanted.min(most)
}
