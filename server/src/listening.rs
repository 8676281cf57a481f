//! Opening the port, and saying why when it cannot be had.

use crate::failure::Failure;
use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

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
    listener
        .set_nonblocking(true)
        .map_err(|error| Failure::new(format!("The socket cannot be used: {error}.")))?;
    Ok(listener)
}
