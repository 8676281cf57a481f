//! The way out of a sandbox that may use the network.

/// The port of the proxy on the sandbox's own loopback device.
pub(crate) const PROXY_PORT: u16 = 3128;

pub(crate) fn serve(
    _listener: std::os::fd::OwnedFd,
) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {})
}
