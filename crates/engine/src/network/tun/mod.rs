//! A network for every program of a sandbox: its device's packets end here, in
//! a TCP/IP stack in this process, and go on as ordinary connections of the
//! engine, each judged by the sandbox's gate.
//!
//! A connection is answered once its server has answered, so that a program
//! learns at once that one is refused or not there. Everything is bounded, and
//! ends when the future does.

mod datagrams;
mod names;
mod packet;
mod queue;
mod stack;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use smoltcp::wire::{Icmpv4DstUnreachable, TcpSeqNumber};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bridge::carry;
use super::gate::{Gate, Way};
use super::plan::NAME_SERVER;
use crate::sandbox::Tun;
use datagrams::Datagrams;
use packet::{Flow, Packet};
use stack::Stack;

/// Connections of one sandbox at the same time; more are refused.
const CONNECTIONS: usize = 256;
/// How long reaching a server may take.
const CONNECT_TIME: Duration = Duration::from_secs(15);
/// Packets that are read before others have their turn.
const BATCH: usize = 32;
const NAMES_PORT: u16 = 53;

/// Serves a sandbox's device until the sandbox, or this future, ends.
pub(super) async fn serve(device: Tun, gate: Arc<Gate>) -> io::Result<()> {
    let stack = Stack::new()?;
    let mut driver = Driver {
        datagrams: Datagrams::new(Arc::clone(&stack), Arc::clone(&gate)),
        names: names::Relay::new(Arc::clone(&stack), Arc::clone(&gate)),
        stack,
        gate,
        tasks: JoinSet::new(),
    };
    let mut outgoing = Vec::new();
    loop {
        let patience = driver.stack.turn(&mut outgoing);
        for packet in &outgoing {
            device.write(packet).await?;
        }
        let later = async {
            match patience {
                Some(patience) => tokio::time::sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        let mut packet = driver.stack.buffer();
        let is_behind = driver.stack.is_behind();
        tokio::select! {
            read = device.read(&mut packet), if !is_behind => {
                read?;
                driver.take(packet);
                for _ in 1..BATCH {
                    let mut packet = driver.stack.buffer();
                    if !device.read_now(&mut packet)? {
                        driver.stack.give_back(packet);
                        break;
                    }
                    driver.take(packet);
                }
            }
            () = driver.stack.changed.notified() => driver.stack.give_back(packet),
            () = later => driver.stack.give_back(packet),
            Some(_) = driver.tasks.join_next() => driver.stack.give_back(packet),
        }
        // A program that sends without end must not have a processor alone.
        tokio::task::yield_now().await;
    }
}

struct Driver {
    stack: Arc<Stack>,
    gate: Arc<Gate>,
    datagrams: Datagrams,
    names: names::Relay,
    tasks: JoinSet<()>,
}

impl Driver {
    /// Takes one packet of the sandbox.
    fn take(&mut self, bytes: Vec<u8>) {
        let names = SocketAddr::new(IpAddr::V4(NAME_SERVER), NAMES_PORT);
        match packet::read(&bytes) {
            Some(Packet::Tcp) => return self.stack.take(bytes),
            Some(Packet::Open(flow, number)) => return self.open(flow, number, bytes),
            Some(Packet::Datagram(flow, question)) if flow.server == names => {
                self.names.answer(&mut self.tasks, flow, question);
            }
            Some(Packet::Datagram(flow, payload)) => {
                if let Err(reason) = self.datagrams.pass_on(&mut self.tasks, flow, payload)
                    && let Some(error) = packet::unreachable(&bytes, reason)
                {
                    self.stack.send(error);
                }
            }
            None => {}
        }
        self.stack.give_back(bytes);
    }

    /// Takes the first packet of a connection.
    fn open(&mut self, flow: Flow, number: TcpSeqNumber, first: Vec<u8>) {
        let is_names = flow.server == SocketAddr::new(IpAddr::V4(NAME_SERVER), NAMES_PORT);
        let way = match self.gate.judge_address(flow.server) {
            _ if is_names => None,
            Ok(way) => Some(way),
            Err(refusal) => {
                tracing::debug!(server = %flow.server, %refusal, "a sandbox's connection is refused");
                self.stack.send(packet::reset(flow, number));
                return self.stack.give_back(first);
            }
        };
        if self.stack.connections() >= CONNECTIONS {
            self.stack.send(packet::reset(flow, number));
            return self.stack.give_back(first);
        }
        if !self.stack.open(flow) {
            // It is repeated while its server is being reached, or the stack
            // knows better what it is.
            return self.stack.repeat(flow, first);
        }
        let (stack, gate) = (Arc::clone(&self.stack), Arc::clone(&self.gate));
        self.tasks.spawn(async move {
            match way {
                Some(way) => connect(&stack, &gate, flow, number, first, &way).await,
                None => {
                    if let Some(stream) = stack.accept(flow, first) {
                        names::serve(stream, &gate).await;
                    }
                }
            }
        });
    }
}

/// Reaches the server of a connection and carries its bytes.
async fn connect(
    stack: &Arc<Stack>,
    gate: &Gate,
    flow: Flow,
    number: TcpSeqNumber,
    first: Vec<u8>,
    way: &Way,
) {
    let reached = match timeout(CONNECT_TIME, TcpStream::connect(way.target)).await {
        Ok(reached) => reached,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let server = match reached {
        Ok(server) => server,
        Err(error) => {
            stack.give_up(flow);
            let answer = if error.kind() == io::ErrorKind::ConnectionRefused || flow.server.is_ipv6() {
                Some(packet::reset(flow, number))
            } else {
                packet::unreachable(&first, Icmpv4DstUnreachable::HostUnreachable)
            };
            if let Some(answer) = answer {
                stack.send(answer);
            }
            return stack.give_back(first);
        }
    };
    let _ = server.set_nodelay(true);
    let Some(program) = stack.accept(flow, first) else {
        return;
    };
    if let Err(error) = carry(program, server, gate, way).await {
        tracing::debug!(%error, server = %flow.server, "a sandbox's connection broke");
    }
}
