//! A network between a client and a provider that fails as it is told to: by
//! name for one call, by a seed for all of them, or as a whole.
//!
//! ```text
//! client ──▶ FaultProxy ──▶ provider      HTTP/1.1, each call on a connection of its own;
//!            plan, faults, mode           WebSockets frame by frame
//! ```
//! The provider must make its own addresses from the request's `Host`, which
//! is handed on as it is: then everything goes through here.

mod call;
mod fault;
mod frame;
mod plan;
mod shared;
mod socket;

pub use fault::{Fault, Mode, Moment, SocketFault};
pub use plan::Plan;

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use shared::{Hold, Shared};
use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
};
use tokio_util::task::AbortOnDropHandle;

/// A running proxy; gone when dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Keeps the port ours while nobody listens: connections are then refused, and not another's.
    _port: TcpSocket,
    _task: AbortOnDropHandle<()>,
}

impl FaultProxy {
    /// Listens on a port of 127.0.0.1 and hands on to `provider`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(provider: SocketAddr) -> io::Result<Self> {
        let port = socket(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = port.local_addr()?;
        let listener = socket(address)?.listen(1024)?;
        let shared = Arc::new(Shared::new(provider));
        let task = AbortOnDropHandle::new(tokio::spawn(accept(Arc::clone(&shared), address, listener)));
        Ok(Self {
            address,
            shared,
            _port: port,
            _task: task,
        })
    }

    /// Where clients reach it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the provider is from now on.
    pub fn provider_is_at(&self, provider: SocketAddr) {
        self.shared.set_upstream(provider);
    }

    /// Which faults calls and sockets meet from now on; none for none.
    pub fn follow(&self, plan: Option<Plan>) {
        self.shared.locked().plan = plan;
    }

    /// The next `times` calls whose `METHOD /path` contains `part` meet this fault, whatever the plan says.
    pub fn fail(&self, part: &str, fault: Fault, times: u32) {
        self.shared.locked().told.push((part.to_owned(), fault, times));
    }

    /// The next `times` sockets meet this fault, whatever the plan says, and whatever was told before.
    pub fn fail_sockets(&self, fault: SocketFault, times: u32) {
        self.shared.locked().told_sockets = vec![(fault, times)];
    }

    /// What becomes of everything from now on. What is under way breaks when connections are refused.
    pub fn mode(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
        if mode == Mode::Refusing {
            self.cut();
        }
    }

    /// Breaks every connection there is.
    pub fn cut(&self) {
        self.shared.injected("all connections cut");
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Whether logs are followed as Daytona's own service would send them: nothing of Pitlane's
    /// extension is handed on.
    pub fn speak_plainly(&self, plainly: bool) {
        self.shared.locked().plainly = plainly;
    }

    /// Holds the next call whose `METHOD /path` contains `part` at this moment.
    #[must_use]
    pub fn hold(&self, part: &str, moment: Moment) -> Held {
        let (arrive, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.shared.locked().holds.push(Hold {
            part: part.to_owned(),
            moment,
            arrive,
            released,
        });
        Held {
            arrived: Some(arrived),
            release,
        }
    }

    /// How many calls contained this.
    #[must_use]
    pub fn calls(&self, part: &str) -> usize {
        let state = self.shared.locked();
        state.calls.iter().filter(|call| call.contains(part)).count()
    }

    /// What was injected so far, by name.
    #[must_use]
    pub fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.shared.locked().injected.clone()
    }

    /// How many sandboxes the provider said it made.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.shared.locked().created
    }
}

/// A call that is to be held.
#[derive(Debug)]
pub struct Held {
    arrived: Option<oneshot::Receiver<()>>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is there.
    pub async fn arrived(&mut self) {
        if let Some(arrived) = self.arrived.take() {
            // Only a proxy that is gone never tells.
            let _ = arrived.await;
        }
    }

    /// Lets it go on. One that is dropped instead breaks.
    pub fn release(self) {
        // Whoever made the call may have given up.
        let _ = self.release.send(());
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(shared: Arc<Shared>, address: SocketAddr, first: TcpListener) {
    let mut mode = shared.mode.subscribe();
    let mut listener = Some(first);
    loop {
        if *mode.borrow_and_update() == Mode::Refusing {
            listener = None;
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = match listener.take().map_or_else(|| socket(address)?.listen(1024), Ok) {
            Ok(open) => open,
            Err(_) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
        };
        tokio::select! {
            accepted = open.accept() => if let Ok((stream, _)) = accepted {
                tokio::spawn(serve(Arc::clone(&shared), stream));
            },
            changed = mode.changed() => if changed.is_err() { return },
        }
        listener = Some(open);
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let mut cuts = shared.cuts.subscribe();
    // A connection that keeps its delay only makes the network slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| call::answer(Arc::clone(&shared), request));
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        _ = connection => {}
        _ = cuts.changed() => {}
    }
}
