//! The sandbox's own network device, whose other end is the engine's.
//!
//! Opened inside, because such a device belongs to the network namespace of
//! whoever opened it, and before privileges are dropped. It ends when the
//! engine closes the descriptor.

use std::ffi::CStr;
use std::io;
use std::mem::zeroed;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::network::stream_or_datagram;
use super::{Setup, step};
use crate::network::plan::{HOST, HOST_V6, MTU, PREFIX, PREFIX_V6, SANDBOX, SANDBOX_V6};

const NODE: &str = "/dev/net/tun";
const NAME: &CStr = c"net0";
const ROUTE_UP: u16 = 1;
const ROUTE_GATEWAY: u16 = 2;

/// The kernel's `struct rtentry`, which libc lacks for most targets.
#[repr(C)]
struct Route {
    pad1: libc::c_ulong,
    destination: libc::sockaddr_in,
    gateway: libc::sockaddr_in,
    mask: libc::sockaddr_in,
    flags: u16,
    pad2: libc::c_short,
    pad3: libc::c_ulong,
    pad4: *mut libc::c_void,
    metric: libc::c_short,
    device: *mut libc::c_char,
    mtu: libc::c_ulong,
    window: libc::c_ulong,
    first_round_trip: u16,
}

/// The kernel's `struct in6_rtmsg`, whose fields libc keeps to itself.
#[repr(C)]
struct RouteSix {
    destination: libc::in6_addr,
    source: libc::in6_addr,
    gateway: libc::in6_addr,
    kind: u32,
    destination_length: u16,
    source_length: u16,
    metric: u32,
    info: libc::c_ulong,
    flags: u32,
    device: libc::c_int,
}

/// Makes the device, gives it its addresses, and sends everything to it.
pub(super) fn device() -> Setup<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let device = step(format_args!("open {NODE}"), open(NODE, flags, Mode::empty()))?;
    let mut request = named();
    // SAFETY: a union of plain numbers; this field is what the request reads.
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    ask(
        "make the network device",
        &device,
        libc::TUNSETIFF,
        &raw const request,
    )?;

    let socket = step("open a socket", stream_or_datagram(SocketType::DGRAM))?;
    request.ifr_ifru.ifru_mtu = i32::from(MTU);
    ask(
        "set the network device's MTU",
        &socket,
        libc::SIOCSIFMTU,
        &raw const request,
    )?;
    request.ifr_ifru.ifru_addr = generic(inet(SANDBOX));
    ask(
        "set the network device's address",
        &socket,
        libc::SIOCSIFADDR,
        &raw const request,
    )?;
    request.ifr_ifru.ifru_netmask = generic(inet(Ipv4Addr::from_bits(u32::MAX << (32 - PREFIX))));
    ask(
        "set the network device's mask",
        &socket,
        libc::SIOCSIFNETMASK,
        &raw const request,
    )?;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    ask(
        "start the network device",
        &socket,
        libc::SIOCSIFFLAGS,
        &raw const request,
    )?;
    // SAFETY: plain numbers and pointers, for which zero is valid.
    let mut route: Route = unsafe { zeroed() };
    route.destination = inet(Ipv4Addr::UNSPECIFIED);
    route.mask = inet(Ipv4Addr::UNSPECIFIED);
    route.gateway = inet(HOST);
    route.flags = ROUTE_UP | ROUTE_GATEWAY;
    ask(
        "set the default route",
        &socket,
        libc::SIOCADDRT,
        &raw const route,
    )?;
    // A kernel without version 6 has no use for it.
    let _ = version_six(&socket, request);
    Ok(device)
}

fn version_six(socket: &OwnedFd, mut request: libc::ifreq) -> Setup<()> {
    ask(
        "find the network device",
        socket,
        libc::SIOCGIFINDEX,
        &raw mut request,
    )?;
    // SAFETY: the kernel has just written this field.
    let index = unsafe { request.ifr_ifru.ifru_ifindex };
    let socket = step(
        "open a socket",
        socket_with(
            AddressFamily::INET6,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            None,
        ),
    )?;
    let address = libc::in6_ifreq {
        ifr6_addr: inet6(SANDBOX_V6),
        ifr6_prefixlen: PREFIX_V6.into(),
        ifr6_ifindex: index,
    };
    ask(
        "set the second address",
        &socket,
        libc::SIOCSIFADDR,
        &raw const address,
    )?;
    // SAFETY: plain numbers, for which zero is valid.
    let mut route: RouteSix = unsafe { zeroed() };
    route.gateway = inet6(HOST_V6);
    route.flags = u32::from(ROUTE_UP | ROUTE_GATEWAY);
    route.metric = 1;
    route.device = index;
    ask("set the second route", &socket, libc::SIOCADDRT, &raw const route)
}

/// A request about the device.
fn named() -> libc::ifreq {
    // SAFETY: plain numbers, for which zero is valid.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(NAME.to_bytes()) {
        *place = *byte as libc::c_char;
    }
    request
}

fn inet(address: Ipv4Addr) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(address.octets()),
        },
        sin_zero: [0; 8],
    }
}

fn inet6(address: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr {
        s6_addr: address.octets(),
    }
}

fn generic(address: libc::sockaddr_in) -> libc::sockaddr {
    // SAFETY: both are 16 bytes of plain numbers that begin with the family.
    unsafe { std::mem::transmute::<libc::sockaddr_in, libc::sockaddr>(address) }
}

fn ask<T>(what: &str, descriptor: &OwnedFd, request: libc::Ioctl, about: *const T) -> Setup<()> {
    // SAFETY: every caller gives the structure that the request is about, which
    // outlives the call and holds no pointer but null.
    let done = unsafe { libc::ioctl(descriptor.as_raw_fd(), request, about) };
    step(
        what,
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        },
    )
}
