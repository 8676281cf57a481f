//! The engine's conversation with sandboxd.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use toolbox::frame;
use toolbox::protocol::{MAX_FRAME, decode, encode};

use super::packets::Packets;
use super::sandboxd::orders::{Action, Cause, Event, Limits, Measure, News, Order, Plan};
use super::{EndReason, SandboxError};

/// sandboxd forks at once; only a host on its knees takes longer.
const ORDER_TIME: Duration = Duration::from_secs(20);

/// Which order an event answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Create,
    Limit,
    Measure,
}

type Told = (Event, Option<OwnedFd>);

struct Slot {
    ended: watch::Sender<Option<EndReason>>,
    /// Why the engine ends it, if not because it was told to.
    blame: Option<EndReason>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<(u64, Kind), VecDeque<oneshot::Sender<Told>>>,
    slots: HashMap<u64, Slot>,
    closed: bool,
    /// The end is wanted, so sandboxes that end with it were destroyed.
    ending: bool,
}

struct Shared {
    packets: Packets,
    state: Mutex<State>,
    next: AtomicU64,
    lost: watch::Sender<bool>,
}

/// A running sandboxd. Dropping this ends it and every sandbox.
pub(super) struct Helper {
    shared: Arc<Shared>,
    pid: Option<u32>,
}

/// A sandbox that sandboxd forked.
pub(super) struct Forked {
    pub(super) slot: u64,
    pub(super) control: OwnedFd,
    pub(super) enforced: super::sandboxd::orders::Enforced,
    pub(super) ended: watch::Receiver<Option<EndReason>>,
}

/// Why sandboxd did not make a sandbox.
#[derive(Debug)]
pub(super) struct RefusedOrder {
    pub(super) reason: String,
    pub(super) errno: Option<i32>,
}

impl std::fmt::Debug for Helper {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Helper")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.shared.packets.close();
    }
}

impl Helper {
    /// Starts sandboxd: `program` is an executable that knows it.
    pub(super) fn start(program: Option<&Path>) -> io::Result<Self> {
        let (own, theirs) = frame::pair()?;
        let packets = Packets::new(own)?;
        // The link is resolved by the child itself and names this executable
        // even after it was replaced on disk.
        let program = program.unwrap_or(Path::new("/proc/self/exe"));
        let mut child = Command::new(program)
            .arg0("pitlane")
            .arg("sandboxd")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let pid = child.id();
        let (lost, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            packets,
            state: Mutex::default(),
            next: AtomicU64::new(1),
            lost,
        });
        tokio::spawn(Arc::clone(&shared).read());
        tokio::spawn(async move {
            match child.wait().await {
                Ok(status) if status.success() => {}
                Ok(status) => tracing::warn!(%status, "sandboxd ended"),
                Err(error) => tracing::warn!(%error, "sandboxd cannot be waited for"),
            }
        });
        Ok(Self { shared, pid })
    }

    /// Its process number, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    pub(super) fn is_lost(&self) -> bool {
        self.shared.state().closed
    }

    /// Lets sandboxd fork a sandbox.
    pub(super) async fn create(&self, plan: Plan) -> Result<Forked, RefusedOrder> {
        let slot = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (ended, receiver) = watch::channel(None);
        self.shared
            .state()
            .slots
            .insert(slot, Slot { ended, blame: None });
        let told = self
            .shared
            .order(slot, Kind::Create, Action::Create(Box::new(plan)))
            .await;
        let refused = |reason: String, errno| Err(RefusedOrder { reason, errno });
        let outcome = match told {
            Ok((Event::Created { enforced, .. }, Some(control))) => {
                return Ok(Forked {
                    slot,
                    control,
                    enforced,
                    ended: receiver,
                });
            }
            Ok((Event::Refused { reason, errno }, _)) => refused(reason, Some(errno)),
            Ok(_) => refused("sandboxd said something else".into(), None),
            Err(error) => {
                // It may still come into being: nobody would ever end it.
                self.kill(slot, None);
                let errno = matches!(error, SandboxError::Silent(_)).then_some(libc::ETIMEDOUT);
                refused(error.to_string(), errno)
            }
        };
        self.shared.state().slots.remove(&slot);
        outcome
    }

    pub(super) async fn limit(&self, slot: u64, limits: Limits) -> bool {
        let told = self.shared.order(slot, Kind::Limit, Action::Limit(limits)).await;
        matches!(told, Ok((Event::Limited { changed: true }, _)))
    }

    pub(super) async fn measure(&self, slot: u64) -> Measure {
        match self.shared.order(slot, Kind::Measure, Action::Measure).await {
            Ok((Event::Measured(measure), _)) => measure,
            _ => Measure::default(),
        }
    }

    /// Orders the end of a sandbox; its `ended` tells when it is over.
    pub(super) fn kill(&self, slot: u64, blame: Option<EndReason>) {
        if let Some(known) = self.shared.state().slots.get_mut(&slot) {
            known.blame = blame.or(known.blame.take());
        }
        let Ok(bytes) = encode(&Order {
            slot,
            action: Action::Kill,
        }) else {
            return;
        };
        match self.shared.packets.send_now(&bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let shared = Arc::clone(&self.shared);
                tokio::spawn(async move { shared.packets.send(&bytes).await });
            }
            // Any other error means sandboxd is gone, and the sandbox with it.
            _ => {}
        }
    }

    /// Ends sandboxd and waits until it is gone.
    pub(super) async fn end(&self) {
        self.shared.state().ending = true;
        let mut lost = self.shared.lost.subscribe();
        self.shared.packets.close_writing();
        let _ = timeout(ORDER_TIME, lost.wait_for(|lost| *lost)).await;
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn order(&self, slot: u64, kind: Kind, action: Action) -> Result<Told, SandboxError> {
        let lost = || SandboxError::Ended("the sandbox helper process is gone".into());
        let (told, receiver) = oneshot::channel();
        {
            let mut state = self.state();
            if state.closed {
                return Err(lost());
            }
            state.waiting.entry((slot, kind)).or_default().push_back(told);
        }
        let bytes =
            encode(&Order { slot, action }).map_err(|error| SandboxError::System(error.to_string()))?;
        self.packets.send(&bytes).await.map_err(|_| lost())?;
        match timeout(ORDER_TIME, receiver).await {
            Ok(Ok(told)) => Ok(told),
            Ok(Err(_)) => Err(lost()),
            Err(_) => Err(SandboxError::Silent(ORDER_TIME.as_secs())),
        }
    }

    async fn read(self: Arc<Self>) {
        let mut buffer = vec![0u8; MAX_FRAME + 1];
        loop {
            let packet = match self.packets.receive(&mut buffer).await {
                Ok(packet) if packet.length > 0 => packet,
                _ => break,
            };
            match decode::<News>(&buffer[..packet.length]) {
                Ok(News { slot, event }) => self.take(slot, event, packet.descriptors),
                Err(error) => {
                    tracing::error!(%error, "sandboxd said something that is not understood");
                    break;
                }
            }
        }
        self.packets.close();
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        let reason = if state.ending {
            EndReason::Destroyed
        } else {
            EndReason::HostLost
        };
        for (_, slot) in state.slots.drain() {
            slot.ended.send_replace(Some(reason.clone()));
        }
        drop(state);
        self.lost.send_replace(true);
    }

    fn take(&self, slot: u64, event: Event, descriptors: Vec<OwnedFd>) {
        let mut state = self.state();
        let kind = match event {
            Event::Gone(cause) => {
                if let Some(known) = state.slots.remove(&slot) {
                    known.ended.send_replace(Some(reason(cause, known.blame)));
                }
                state.waiting.retain(|(waiting, _), _| *waiting != slot);
                return;
            }
            Event::Created { .. } | Event::Refused { .. } => Kind::Create,
            Event::Limited { .. } => Kind::Limit,
            Event::Measured(_) => Kind::Measure,
        };
        let Some(queue) = state.waiting.get_mut(&(slot, kind)) else {
            return;
        };
        let next = queue.pop_front();
        if queue.is_empty() {
            state.waiting.remove(&(slot, kind));
        }
        if let Some(next) = next {
            let _ = next.send((event, descriptors.into_iter().next()));
        }
    }
}

fn reason(cause: Cause, blame: Option<EndReason>) -> EndReason {
    match cause {
        Cause::Killed => blame.unwrap_or(EndReason::Destroyed),
        Cause::Unknown => EndReason::Destroyed,
        Cause::OutOfMemory => EndReason::OutOfMemory,
        Cause::Exited(code) => EndReason::Died(format!("its first process exited with code {code}")),
        Cause::Signalled(signal) => EndReason::Died(format!("signal {signal} ended its first process")),
    }
}
