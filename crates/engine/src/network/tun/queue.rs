//! The device that the TCP/IP stack believes it has: two queues of packets.

use std::cell::RefCell;
use std::collections::VecDeque;

use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::network::plan::MTU;

/// Packets that wait to be written; the stack keeps the rest of its bytes.
const WAITING: usize = 32;
/// Empty buffers that are kept.
const SPARE: usize = 8;

/// Packets on their way in and out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) incoming: VecDeque<Vec<u8>>,
    pub(super) outgoing: VecDeque<Vec<u8>>,
    spare: Spare,
}

#[derive(Debug, Default)]
struct Spare(RefCell<Vec<Vec<u8>>>);

impl Spare {
    /// A buffer for one packet, of any length and content.
    fn take(&self) -> Vec<u8> {
        let kept = self.0.borrow_mut().pop();
        kept.unwrap_or_else(|| Vec::with_capacity(usize::from(MTU)))
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < SPARE && buffer.capacity() >= usize::from(MTU) {
            kept.push(buffer);
        }
    }
}

impl Queue {
    /// An empty buffer for one packet.
    pub(super) fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.spare.take();
        buffer.clear();
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        self.spare.give_back(buffer);
    }

    fn has_room(&self) -> bool {
        self.outgoing.len() < WAITING
    }
}

pub(super) struct Received<'a> {
    packet: Vec<u8>,
    spare: &'a Spare,
}

pub(super) struct Sent<'a> {
    outgoing: &'a mut VecDeque<Vec<u8>>,
    spare: &'a Spare,
}

impl Device for Queue {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sent<'_>)> {
        if !self.has_room() {
            return None;
        }
        let packet = self.incoming.pop_front()?;
        let Self { outgoing, spare, .. } = self;
        Some((Received { packet, spare }, Sent { outgoing, spare }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sent<'_>> {
        if !self.has_room() {
            return None;
        }
        let Self { outgoing, spare, .. } = self;
        Some(Sent { outgoing, spare })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = usize::from(MTU);
        // What comes through the kernel's memory was not damaged on the way.
        let mut checksum = ChecksumCapabilities::default();
        checksum.ipv4 = Checksum::Tx;
        checksum.tcp = Checksum::Tx;
        capabilities.checksum = checksum;
        capabilities
    }
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        let result = read(&self.packet);
        self.spare.give_back(self.packet);
        result
    }
}

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        // Every byte is written; what is left of an older packet is this
        // sandbox's own.
        let mut buffer = self.spare.take();
        buffer.resize(length, 0);
        let result = write(&mut buffer);
        self.outgoing.push_back(buffer);
        result
    }
}
