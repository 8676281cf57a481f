//! The addresses of the small network between a sandbox and the engine, the
//! same for every sandbox: each has a network namespace of its own.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The sandbox's own address.
pub(crate) const SANDBOX: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The way out; to programs also the loopback device of the host, for what the
/// operator lists of it.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// Who looks names up.
pub(crate) const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// The network of the three.
pub(crate) const PREFIX: u8 = 24;
/// The sandbox's own address of version 6, in a range that nobody else uses.
pub(crate) const SANDBOX_V6: Ipv6Addr = Ipv6Addr::new(0xfd70, 0x6974, 0x6c61, 0x6e65, 0, 0, 0, 15);
/// The way out of version 6.
pub(crate) const HOST_V6: Ipv6Addr = Ipv6Addr::new(0xfd70, 0x6974, 0x6c61, 0x6e65, 0, 0, 0, 2);
/// The network of the two.
pub(crate) const PREFIX_V6: u8 = 64;
/// The largest packet there can be: nothing between the two ends is smaller,
/// and each packet costs the same.
pub(crate) const MTU: u16 = 65_535;
/// The port of the proxy on the sandbox's own loopback device.
pub(crate) const PROXY_PORT: u16 = 3128;
