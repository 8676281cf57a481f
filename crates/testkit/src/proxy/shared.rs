//! What all connections of a proxy share: what they are told, and what they
//! have done.

use super::{
    call::cut,
    fault::{Fault, Mode, Moment, SocketFault},
    plan::Plan,
};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{oneshot, watch};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) mode: watch::Sender<Mode>,
    pub(super) cuts: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    upstream: SocketAddr,
    pub(super) plan: Option<Plan>,
    pub(super) told: Vec<(String, Fault, u32)>,
    pub(super) told_sockets: Vec<(SocketFault, u32)>,
    pub(super) holds: Vec<Hold>,
    pub(super) plainly: bool,
    pub(super) calls: Vec<String>,
    pub(super) injected: BTreeMap<&'static str, u64>,
    pub(super) created: u64,
    /// How many calls of each kind there were.
    kinds: HashMap<String, u64>,
}

/// A call that somebody waits for.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) part: String,
    pub(super) moment: Moment,
    pub(super) arrive: oneshot::Sender<()>,
    pub(super) released: oneshot::Receiver<()>,
}

impl Shared {
    pub(super) fn new(upstream: SocketAddr) -> Self {
        Self {
            mode: watch::Sender::new(Mode::Open),
            cuts: watch::Sender::new(0),
            state: Mutex::new(State {
                upstream,
                plan: None,
                told: Vec::new(),
                told_sockets: Vec::new(),
                holds: Vec::new(),
                plainly: false,
                calls: Vec::new(),
                injected: BTreeMap::new(),
                created: 0,
                kinds: HashMap::new(),
            }),
        }
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, State> {
        // A panic of a test leaves nothing here that the next look would trip over.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn upstream(&self) -> SocketAddr {
        self.locked().upstream
    }

    pub(super) fn set_upstream(&self, upstream: SocketAddr) {
        self.locked().upstream = upstream;
    }

    pub(super) fn speaks_plainly(&self) -> bool {
        self.locked().plainly
    }

    pub(super) fn note(&self, call: &str) {
        self.locked().calls.push(call.to_owned());
    }

    pub(super) fn sandbox(&self, created: bool) {
        self.locked().created += u64::from(created);
    }

    pub(super) fn injected(&self, name: &'static str) {
        *self.locked().injected.entry(name).or_default() += 1;
    }

    /// Waits while nothing is to be heard.
    pub(super) async fn audible(&self) {
        let mut mode = self.mode.subscribe();
        // The sender lives as long as this.
        let _ = mode.wait_for(|mode| *mode != Mode::Silent).await;
    }

    /// What a call meets.
    pub(super) fn call_fault(&self, call: &str, kind: &str) -> Option<Fault> {
        let mut state = self.locked();
        let told = state
            .told
            .iter_mut()
            .find(|(part, _, times)| *times > 0 && call.contains(part.as_str()));
        let fault = match told {
            Some((_, fault, times)) => {
                *times -= 1;
                Some(*fault)
            }
            None => {
                let count = state.count(kind);
                state.plan.and_then(|plan| plan.call(kind, count))
            }
        };
        if let Some(fault) = fault {
            *state.injected.entry(fault.name()).or_default() += 1;
        }
        fault
    }

    /// What a socket meets; counted when it does, as the frame may never come.
    pub(super) fn socket_fault(&self, kind: &str) -> Option<SocketFault> {
        let mut state = self.locked();
        match state.told_sockets.iter_mut().find(|(_, times)| *times > 0) {
            Some((fault, times)) => {
                *times -= 1;
                Some(*fault)
            }
            None => {
                let count = state.count(kind);
                state.plan.and_then(|plan| plan.socket(kind, count))
            }
        }
    }

    /// Holds a call that somebody waits for.
    pub(super) async fn held(&self, call: &str, moment: Moment) -> io::Result<()> {
        let hold = {
            let mut state = self.locked();
            let wanted = |hold: &Hold| hold.moment == moment && call.contains(&hold.part);
            let place = state.holds.iter().position(wanted);
            place.map(|place| state.holds.swap_remove(place))
        };
        let Some(hold) = hold else { return Ok(()) };
        // Whoever waits for it may have given up; then it breaks, as it says there.
        let _ = hold.arrive.send(());
        hold.released.await.map_err(|_| cut())
    }
}

impl State {
    fn count(&mut self, kind: &str) -> u64 {
        let count = self.kinds.entry(kind.to_owned()).or_default();
        *count += 1;
        *count - 1
    }
}
