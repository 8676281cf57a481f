//! The TCP/IP stack of one sandbox, and its connections as streams.
//!
//! smoltcp itself, without a layer between: one that wraps it wakes up many
//! times a second for each idle sandbox, completes connections before anybody
//! knows whether their server answers, and keeps unbounded queues.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpCidr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::packet::Flow;
use super::queue::Queue;
use crate::network::plan::{HOST, HOST_V6, PREFIX, PREFIX_V6};

/// Bytes that one connection keeps each way.
const BUFFER: usize = 128 * 1024;
/// How long the rest of a connection that was closed may take to be read.
const LINGER: Duration = Duration::from_secs(10 * 60);
/// Packets of the sandbox that may wait.
const BEHIND: usize = 64;
/// Datagrams and errors that wait besides the stack's own packets; more are lost,
/// as they may be.
const EXTRA: usize = 256;

/// A connection as the stack holds it.
#[derive(Debug)]
enum Held {
    /// Its server is being reached.
    Opening,
    Open,
    /// Nobody uses it any more; its rest goes to the program until then.
    Closing(SocketHandle, Instant),
}

struct Inner {
    interface: Interface,
    sockets: SocketSet<'static>,
    queue: Queue,
    flows: HashMap<Flow, Held>,
    /// Flows that are `Closing`.
    closing: Vec<Flow>,
}

/// The stack; its driver and its streams share it.
pub(super) struct Stack {
    inner: Mutex<Inner>,
    /// There is something to do for the driver.
    pub(super) changed: Notify,
}

impl Stack {
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let mut queue = Queue::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = getrandom::u64().map_err(io::Error::other)?;
        let mut interface = Interface::new(config, &mut queue, Instant::now());
        interface.update_ip_addrs(|addresses| {
            // There is room for two.
            let _ = addresses.push(IpCidr::new(HOST.into(), PREFIX));
            let _ = addresses.push(IpCidr::new(HOST_V6.into(), PREFIX_V6));
        });
        // Whatever address a program wants is answered here.
        interface.set_any_ip(true);
        let routes = interface.routes_mut();
        let full = |_| io::Error::other("the stack takes no route");
        routes.add_default_ipv4_route(HOST).map_err(full)?;
        routes.add_default_ipv6_route(HOST_V6).map_err(full)?;
        let inner = Inner {
            interface,
            sockets: SocketSet::new(Vec::new()),
            queue,
            flows: HashMap::new(),
            closing: Vec::new(),
        };
        Ok(Arc::new(Self {
            inner: Mutex::new(inner),
            changed: Notify::new(),
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic in here ends the driver, and with it this sandbox's network.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty buffer for a packet.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.inner().queue.buffer()
    }

    /// Gives a packet of the sandbox to the stack.
    pub(super) fn take(&self, packet: Vec<u8>) {
        self.inner().queue.incoming.push_back(packet);
    }

    /// Takes a buffer that is not needed.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        self.inner().queue.give_back(buffer);
    }

    /// Sends a packet that the stack did not make.
    pub(super) fn send(&self, packet: Vec<u8>) {
        let mut inner = self.inner();
        if inner.queue.outgoing.len() < EXTRA {
            inner.queue.outgoing.push_back(packet);
            drop(inner);
            self.changed.notify_one();
        }
    }

    /// Moves everything on; the packets for the sandbox, and when to come again.
    pub(super) fn turn(&self, ready: &mut Vec<Vec<u8>>) -> Option<std::time::Duration> {
        let mut inner = self.inner();
        for written in ready.drain(..) {
            inner.queue.give_back(written);
        }
        let now = Instant::now();
        inner.poll(now);
        inner.sweep(now);
        ready.extend(inner.queue.outgoing.drain(..));
        if !inner.queue.incoming.is_empty() {
            return Some(std::time::Duration::ZERO);
        }
        let Inner {
            interface, sockets, ..
        } = &mut *inner;
        interface.poll_delay(now, sockets).map(Into::into)
    }

    /// Whether packets of the sandbox wait, because what leaves has no room for
    /// their answers: then no more are taken.
    pub(super) fn is_behind(&self) -> bool {
        self.inner().queue.incoming.len() >= BEHIND
    }

    /// Notes a connection whose server is to be reached; `false` when it is
    /// known already.
    pub(super) fn open(&self, flow: Flow) -> bool {
        let mut inner = self.inner();
        let is_new = !inner.flows.contains_key(&flow);
        if is_new {
            inner.flows.insert(flow, Held::Opening);
        }
        is_new
    }

    /// Takes the first packet of a known connection once more.
    pub(super) fn repeat(&self, flow: Flow, packet: Vec<u8>) {
        let mut inner = self.inner();
        match inner.flows.get(&flow) {
            Some(Held::Opening) | None => inner.queue.give_back(packet),
            Some(_) => inner.queue.incoming.push_back(packet),
        }
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.inner().flows.len()
    }

    /// Forgets a connection whose server was not reached.
    pub(super) fn give_up(&self, flow: Flow) {
        self.inner().flows.remove(&flow);
    }

    /// Answers the first packet of a connection whose server was reached.
    pub(super) fn accept(self: &Arc<Self>, flow: Flow, first: Vec<u8>) -> Option<Stream> {
        let mut inner = self.inner();
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.listen(flow.server).ok()?;
        let handle = inner.sockets.add(socket);
        inner.queue.incoming.push_back(first);
        // At once, so that it is the only one that listens.
        inner.poll(Instant::now());
        if inner.sockets.get::<Socket<'_>>(handle).is_listening() {
            inner.sockets.remove(handle);
            inner.flows.remove(&flow);
            return None;
        }
        inner.flows.insert(flow, Held::Open);
        drop(inner);
        self.changed.notify_one();
        Some(Stream {
            stack: Arc::clone(self),
            flow,
            handle,
            closed: false,
        })
    }
}

impl Inner {
    fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.queue, &mut self.sockets);
    }

    /// Removes what has ended.
    fn sweep(&mut self, now: Instant) {
        let Self {
            sockets,
            flows,
            closing,
            ..
        } = self;
        closing.retain(|flow| {
            let Some(Held::Closing(handle, until)) = flows.get(flow) else {
                return false;
            };
            let socket = sockets.get_mut::<Socket<'_>>(*handle);
            if now >= *until {
                socket.abort();
            }
            // An aborted one has a last packet to send.
            let is_over = match socket.state() {
                State::TimeWait => true,
                State::Closed => socket.remote_endpoint().is_none() || now >= *until,
                _ => false,
            };
            if is_over {
                sockets.remove(*handle);
                flows.remove(flow);
            }
            !is_over
        });
    }
}

/// One connection of a program, from the server's side. Dropped before it is
/// shut down, it is reset.
pub(super) struct Stream {
    stack: Arc<Stack>,
    flow: Flow,
    handle: SocketHandle,
    closed: bool,
}

impl Stream {
    fn with<R>(&self, act: impl FnOnce(&mut Socket<'static>) -> R) -> R {
        act(self.stack.inner().sockets.get_mut(self.handle))
    }
}

fn is_opening(socket: &Socket<'_>) -> bool {
    matches!(
        socket.state(),
        State::Listen | State::SynSent | State::SynReceived
    )
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.with(|socket| {
            if is_opening(socket) || (socket.may_recv() && !socket.can_recv()) {
                socket.register_recv_waker(context.waker());
                return Poll::Pending;
            }
            Poll::Ready(match socket.recv_slice(buffer.initialize_unfilled()) {
                Ok(length) => Ok(length),
                Err(RecvError::Finished) => Ok(0),
                Err(RecvError::InvalidState) => Err(io::ErrorKind::ConnectionReset.into()),
            })
        });
        match read {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(length)) => {
                buffer.advance(length);
                if length > 0 {
                    // There is room again, which the program has to be told.
                    self.stack.changed.notify_one();
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.with(|socket| {
            if is_opening(socket) || (socket.may_send() && !socket.can_send()) {
                socket.register_send_waker(context.waker());
                return Poll::Pending;
            }
            let broken = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            Poll::Ready(socket.send_slice(bytes).map_err(broken))
        });
        if written.is_ready() {
            self.stack.changed.notify_one();
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// What was written before still goes out, after this stream is gone too.
    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(Socket::close);
        self.closed = true;
        self.stack.changed.notify_one();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut inner = self.stack.inner();
        if !self.closed {
            inner.sockets.get_mut::<Socket<'_>>(self.handle).abort();
        }
        let until = Instant::now() + LINGER;
        inner.flows.insert(self.flow, Held::Closing(self.handle, until));
        inner.closing.push(self.flow);
        drop(inner);
        self.stack.changed.notify_one();
    }
}
