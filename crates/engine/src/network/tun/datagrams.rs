//! Datagrams besides questions for names: each pair of ends has a socket of the
//! engine for as long as something is said.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use smoltcp::wire::Icmpv4DstUnreachable;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::packet::{self, Flow};
use super::stack::Stack;
use crate::network::gate::{Gate, Way};

/// Conversations of one sandbox at the same time; what is more is lost.
const CONVERSATIONS: usize = 256;
/// Datagrams of one conversation that wait to be sent.
const WAITING: usize = 32;
/// A conversation in which nothing was said for so long is over.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest datagram there can be.
const LONGEST: usize = 65_535;

/// The conversations of one sandbox.
pub(super) struct Datagrams {
    stack: Arc<Stack>,
    gate: Arc<Gate>,
    conversations: HashMap<Flow, mpsc::Sender<Vec<u8>>>,
}

impl Datagrams {
    pub(super) fn new(stack: Arc<Stack>, gate: Arc<Gate>) -> Self {
        Self {
            stack,
            gate,
            conversations: HashMap::new(),
        }
    }

    /// Passes a datagram of the sandbox on.
    ///
    /// # Errors
    /// What to tell the program, when it is refused.
    pub(super) fn pass_on(
        &mut self,
        tasks: &mut JoinSet<()>,
        flow: Flow,
        payload: &[u8],
    ) -> Result<(), Icmpv4DstUnreachable> {
        if let Some(known) = self.conversations.get(&flow)
            && !known.is_closed()
        {
            // A full one loses it, as any network may.
            let _ = known.try_send(payload.to_vec());
            return Ok(());
        }
        let way = self.gate.judge_address(flow.server).map_err(|refusal| {
            tracing::debug!(server = %flow.server, %refusal, "a sandbox's datagram is refused");
            Icmpv4DstUnreachable::CommProhibited
        })?;
        if self.conversations.len() >= CONVERSATIONS {
            self.conversations.retain(|_, known| !known.is_closed());
        }
        if self.conversations.len() >= CONVERSATIONS {
            return Ok(());
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        let _ = sender.try_send(payload.to_vec());
        self.conversations.insert(flow, sender);
        let (stack, gate) = (Arc::clone(&self.stack), Arc::clone(&self.gate));
        tasks.spawn(async move {
            tokio::select! {
                ended = converse(&stack, flow, &way, receiver) => if let Err(error) = ended {
                    tracing::debug!(%error, server = %flow.server, "a sandbox's datagrams broke");
                },
                () = gate.until_forbidden(&way) => {}
            }
        });
        Ok(())
    }
}

async fn converse(
    stack: &Stack,
    flow: Flow,
    way: &Way,
    mut from_program: mpsc::Receiver<Vec<u8>>,
) -> std::io::Result<()> {
    let any: IpAddr = match way.target.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Only its answers are taken then.
    socket.connect(way.target).await?;
    loop {
        tokio::select! {
            payload = from_program.recv() => match payload {
                Some(payload) => {
                    socket.send(&payload).await?;
                }
                None => return Ok(()),
            },
            readable = socket.readable() => {
                readable?;
                // Made for each, so that a silent conversation holds no memory.
                let mut payload = Vec::with_capacity(LONGEST);
                match socket.try_recv_buf(&mut payload) {
                    Ok(_) => if let Some(packet) = packet::datagram(flow, &payload) {
                        stack.send(packet);
                    },
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            () = tokio::time::sleep(SILENCE) => return Ok(()),
        }
    }
}
