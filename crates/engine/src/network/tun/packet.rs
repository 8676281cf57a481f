//! Packets as they come from a sandbox, and the few that are made by hand.

use std::net::{IpAddr, SocketAddr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, IpAddress, IpProtocol, IpRepr, Ipv4Packet, Ipv4Repr,
    Ipv6Packet, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
};

use crate::network::plan::{SANDBOX, SANDBOX_V6};

const HOP_LIMIT: u8 = 64;
/// What an error repeats of the packet it is about, after its header.
const REPEATED: usize = 8;

/// The two ends of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    /// The program's end.
    pub(super) program: SocketAddr,
    /// What it talks to, as it names it.
    pub(super) server: SocketAddr,
}

/// What a packet is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// The first of a connection, with its number.
    Open(Flow, TcpSeqNumber),
    /// Another one of a connection.
    Tcp,
    /// A datagram.
    Datagram(Flow, &'a [u8]),
}

/// Reads a packet of the sandbox; `None` for everything that is not carried.
pub(super) fn read(bytes: &[u8]) -> Option<Packet<'_>> {
    let (from, to, protocol, payload): (IpAddr, IpAddr, _, _) = match bytes.first()? >> 4 {
        4 => {
            let packet = Ipv4Packet::new_checked(bytes).ok()?;
            if packet.more_frags() || packet.frag_offset() != 0 {
                return None;
            }
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            (from, to, packet.next_header(), packet.payload())
        }
        6 => {
            let packet = Ipv6Packet::new_checked(bytes).ok()?;
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            (from, to, packet.next_header(), packet.payload())
        }
        _ => return None,
    };
    if from != IpAddr::V4(SANDBOX) && from != IpAddr::V6(SANDBOX_V6) {
        return None;
    }
    let flow = |source, target| Flow {
        program: SocketAddr::new(from, source),
        server: SocketAddr::new(to, target),
    };
    match protocol {
        IpProtocol::Tcp => {
            let packet = TcpPacket::new_checked(payload).ok()?;
            let (source, target) = (packet.src_port(), packet.dst_port());
            if source == 0 || target == 0 {
                return None;
            }
            if packet.syn() && !packet.ack() && !packet.rst() {
                return Some(Packet::Open(flow(source, target), packet.seq_number()));
            }
            Some(Packet::Tcp)
        }
        IpProtocol::Udp => {
            let packet = UdpPacket::new_checked(payload).ok()?;
            let (source, target) = (packet.src_port(), packet.dst_port());
            if source == 0 || target == 0 {
                return None;
            }
            Some(Packet::Datagram(flow(source, target), packet.payload()))
        }
        _ => None,
    }
}

/// The answer to the first packet of a connection that is refused.
pub(super) fn reset(flow: Flow, number: TcpSeqNumber) -> Vec<u8> {
    let answer = TcpRepr {
        src_port: flow.server.port(),
        dst_port: flow.program.port(),
        control: TcpControl::Rst,
        seq_number: TcpSeqNumber(0),
        ack_number: Some(number + 1),
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let (from, to) = (flow.server.ip().into(), flow.program.ip().into());
    enclose(from, to, IpProtocol::Tcp, answer.buffer_len(), |inside| {
        answer.emit(
            &mut TcpPacket::new_unchecked(inside),
            &from,
            &to,
            &ChecksumCapabilities::default(),
        );
    })
}

/// A datagram of a server to the program.
pub(super) fn datagram(flow: Flow, payload: &[u8]) -> Option<Vec<u8>> {
    let header = UdpRepr {
        src_port: flow.server.port(),
        dst_port: flow.program.port(),
    };
    let length = header.header_len() + payload.len();
    // With the longest header around it.
    if length > usize::from(u16::MAX) - 40 {
        return None;
    }
    let (from, to) = (flow.server.ip().into(), flow.program.ip().into());
    Some(enclose(from, to, IpProtocol::Udp, length, |inside| {
        header.emit(
            &mut UdpPacket::new_unchecked(inside),
            &from,
            &to,
            payload.len(),
            |place| place.copy_from_slice(payload),
            &ChecksumCapabilities::default(),
        );
    }))
}

/// Says that the server of a packet cannot be reached. Only of version 4: the
/// other one is a way beside it, and its programs wait a little.
pub(super) fn unreachable(about: &[u8], reason: Icmpv4DstUnreachable) -> Option<Vec<u8>> {
    let original = Ipv4Packet::new_checked(about).ok()?;
    let header = Ipv4Repr::parse(&original, &ChecksumCapabilities::ignored()).ok()?;
    let data = original.payload();
    let answer = Icmpv4Repr::DstUnreachable {
        reason,
        header,
        data: &data[..data.len().min(REPEATED)],
    };
    let (from, to) = (header.dst_addr.into(), header.src_addr.into());
    Some(enclose(
        from,
        to,
        IpProtocol::Icmp,
        answer.buffer_len(),
        |inside| {
            answer.emit(
                &mut Icmpv4Packet::new_unchecked(inside),
                &ChecksumCapabilities::default(),
            );
        },
    ))
}

/// Puts a header before what `fill` writes.
fn enclose(
    from: IpAddress,
    to: IpAddress,
    protocol: IpProtocol,
    length: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let header = IpRepr::new(from, to, protocol, length, HOP_LIMIT);
    let mut packet = vec![0; header.buffer_len()];
    header.emit(&mut packet[..], &ChecksumCapabilities::default());
    fill(&mut packet[header.header_len()..]);
    packet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flow(program: &str, server: &str) -> Flow {
        Flow {
            program: program.parse().unwrap(),
            server: server.parse().unwrap(),
        }
    }

    /// A packet of the sandbox, made by turning one for it around.
    fn from_sandbox(flow: Flow, payload: &[u8]) -> Vec<u8> {
        let turned = Flow {
            program: flow.server,
            server: flow.program,
        };
        datagram(turned, payload).unwrap()
    }

    #[test]
    fn datagrams_are_read_as_they_were_written() {
        for flow in [
            flow("10.0.2.15:5000", "1.1.1.1:53"),
            flow("[fd70:6974:6c61:6e65::f]:5000", "[2606:4700::1]:443"),
        ] {
            let bytes = from_sandbox(flow, b"hello");
            assert_eq!(read(&bytes), Some(Packet::Datagram(flow, b"hello")));
        }
        let stranger = from_sandbox(flow("10.0.2.99:5000", "1.1.1.1:53"), b"");
        assert_eq!(read(&stranger), None);
        assert!(datagram(flow("10.0.2.15:1", "1.1.1.1:1"), &vec![0; 65_500]).is_none());
    }

    #[test]
    fn a_refusal_answers_the_first_packet() {
        let flow = flow("10.0.2.15:5000", "1.1.1.1:443");
        let bytes = reset(flow, TcpSeqNumber(41));
        let outer = Ipv4Packet::new_checked(&bytes[..]).unwrap();
        assert!(outer.verify_checksum());
        let inner = TcpPacket::new_checked(outer.payload()).unwrap();
        assert!(inner.verify_checksum(&outer.src_addr().into(), &outer.dst_addr().into()));
        assert!(inner.rst() && inner.ack() && inner.ack_number() == TcpSeqNumber(42));
        assert_eq!((inner.src_port(), inner.dst_port()), (443, 5000));
    }

    #[test]
    fn an_error_repeats_what_it_is_about() {
        let asked = from_sandbox(flow("10.0.2.15:5000", "1.1.1.1:123"), b"a long question");
        let bytes = unreachable(&asked, Icmpv4DstUnreachable::CommProhibited).unwrap();
        let outer = Ipv4Packet::new_checked(&bytes[..]).unwrap();
        assert_eq!(outer.dst_addr(), SANDBOX);
        let inner = Icmpv4Packet::new_checked(outer.payload()).unwrap();
        assert!(inner.verify_checksum());
        assert!(unreachable(b"", Icmpv4DstUnreachable::CommProhibited).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(mut bytes in prop::collection::vec(any::<u8>(), 0..120), version in 0u8..16) {
            if let Some(first) = bytes.first_mut() {
                *first = (*first & 0xf) | (version << 4);
            }
            let _ = read(&bytes);
            let _ = unreachable(&bytes, Icmpv4DstUnreachable::CommProhibited);
        }

        #[test]
        fn changed_packets_are_read(at in 0usize..40, byte in any::<u8>(), tcp in any::<bool>()) {
            let flow = flow("10.0.2.15:5000", "1.1.1.1:53");
            let mut bytes = from_sandbox(flow, b"twenty bytes of load");
            if tcp {
                bytes[9] = 6;
            }
            bytes[at] = byte;
            let _ = read(&bytes);
            let _ = unreachable(&bytes, Icmpv4DstUnreachable::CommProhibited);
        }
    }
}
