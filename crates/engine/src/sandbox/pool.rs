//! Sandboxes made before anyone asked, so that asking does not wait. They stand
//! on shelves, each with sandboxes of one kind: the operator's own, and those
//! that clients ordered.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::room::Room;
use super::{SandboxError, SandboxSpec};

/// After a failure a shelf's next attempt waits this long.
const PAUSE: Duration = Duration::from_secs(5);
/// How often dead ones are looked for when nobody asks.
const LOOK: Duration = Duration::from_secs(10);

/// How a shelf stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// How many are ready now.
    pub count: usize,
    /// Of these the ones with a home on the disk: its name, and since when they
    /// have been there, in milliseconds since 1970.
    pub waiting: Vec<(String, i64)>,
    /// Why no more could be made, the last time.
    pub trouble: Option<String>,
}

#[derive(Debug)]
struct Shelf {
    name: String,
    spec: SandboxSpec,
    size: usize,
    ready: VecDeque<Room>,
    trouble: Option<String>,
    rests_until: Option<Instant>,
}

impl Shelf {
    /// Drops what died, and what is more than wanted.
    fn tidy(&mut self) {
        self.ready.retain(Room::is_alive);
        self.ready.truncate(self.size);
    }
}

#[derive(Debug, Default)]
struct Shared {
    shelves: Mutex<Vec<Shelf>>,
    changed: Notify,
}

impl Shared {
    fn shelves(&self) -> MutexGuard<'_, Vec<Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be made next: for the shelf that has the least of what it
    /// should, unless it rests.
    fn next(&self, now: Instant) -> Option<(String, SandboxSpec)> {
        let mut shelves = self.shelves();
        shelves.iter_mut().for_each(Shelf::tidy);
        let wanting = shelves.iter().filter(|shelf| {
            shelf.ready.len() < shelf.size && shelf.rests_until.is_none_or(|until| until <= now)
        });
        let next = wanting.min_by(|one, other| {
            let full = |shelf: &Shelf| shelf.ready.len() as f64 / shelf.size as f64;
            full(one).total_cmp(&full(other))
        })?;
        Some((next.name.clone(), next.spec.clone()))
    }

    /// Puts what was made where it belongs, if that is still wanted.
    fn put(&self, name: &str, spec: &SandboxSpec, made: Result<Room, SandboxError>) {
        let mut shelves = self.shelves();
        let shelf = shelves
            .iter_mut()
            .find(|shelf| shelf.name == name && shelf.spec == *spec);
        let Some(shelf) = shelf else { return };
        match made {
            Ok(room) => {
                shelf.trouble = None;
                shelf.rests_until = None;
                shelf.ready.push_back(room);
            }
            Err(error) => {
                tracing::warn!(%error, pool = name, "no sandbox could be made ready");
                shelf.trouble = Some(error.to_string());
                shelf.rests_until = Some(Instant::now() + PAUSE);
            }
        }
    }
}

/// The shelves and the task that fills them.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
    filling: AbortHandle,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.filling.abort();
    }
}

impl Pool {
    /// Keeps ready what will be asked for, made by `make`; ends when that says
    /// `None`.
    pub(super) fn start<F, M>(make: F) -> Self
    where
        F: Fn(SandboxSpec) -> M + Send + 'static,
        M: Future<Output = Option<Result<Room, SandboxError>>> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let filling = tokio::spawn(fill(Arc::clone(&shared), make)).abort_handle();
        Self { shared, filling }
    }

    /// Keeps `size` sandboxes of a kind ready under a name; 0 keeps none.
    pub(super) fn keep(&self, name: &str, spec: SandboxSpec, size: usize) {
        let mut shelves = self.shared.shelves();
        match shelves.iter_mut().find(|shelf| shelf.name == name) {
            Some(shelf) => {
                if shelf.spec != spec {
                    shelf.ready.clear();
                }
                (shelf.spec, shelf.size, shelf.rests_until) = (spec, size, None);
                shelf.tidy();
            }
            None => shelves.push(Shelf {
                name: name.to_owned(),
                spec,
                size,
                ready: VecDeque::new(),
                trouble: None,
                rests_until: None,
            }),
        }
        drop(shelves);
        self.shared.changed.notify_one();
    }

    /// Ends what is ready under a name, and makes no more.
    pub(super) fn forget(&self, name: &str) {
        self.shared.shelves().retain(|shelf| shelf.name != name);
    }

    /// How a shelf stands; nothing is ready where there is none.
    pub(super) fn ready(&self, name: &str) -> Ready {
        let mut shelves = self.shared.shelves();
        let shelf = shelves.iter_mut().find(|shelf| shelf.name == name);
        let Some(shelf) = shelf else {
            return Ready::default();
        };
        shelf.tidy();
        Ready {
            count: shelf.ready.len(),
            waiting: shelf
                .ready
                .iter()
                .filter_map(|room| Some((room.lent()?.to_owned(), room.since_ms())))
                .collect(),
            trouble: shelf.trouble.clone(),
        }
    }

    /// Takes one that can become what is asked for from the first of these
    /// shelves that has one; one that is it already before one that is changed.
    pub(super) fn take(&self, names: &[&str], spec: &SandboxSpec) -> Option<(String, Room)> {
        let mut shelves = self.shared.shelves();
        let mut found = None;
        for exact in [true, false] {
            for name in names {
                let Some(at) = shelves.iter().position(|shelf| shelf.name == *name) else {
                    continue;
                };
                let ready = &shelves[at].ready;
                let room = ready.iter().position(|room| room.can_become(spec, exact));
                if let Some(room) = room {
                    found = found.or(Some((at, room)));
                }
            }
        }
        let (at, room) = found?;
        let room = shelves[at].ready.remove(room)?;
        let name = shelves[at].name.clone();
        drop(shelves);
        self.shared.changed.notify_one();
        Some((name, room))
    }

    /// Ends all of them and makes no more.
    pub(super) fn close(&self) {
        self.filling.abort();
        self.shared.shelves().clear();
    }
}

async fn fill<F, M>(shared: Arc<Shared>, make: F)
where
    F: Fn(SandboxSpec) -> M,
    M: Future<Output = Option<Result<Room, SandboxError>>>,
{
    loop {
        let Some((name, spec)) = shared.next(Instant::now()) else {
            // Shelves that rest are looked at again when the time is over.
            let _ = tokio::time::timeout(PAUSE.min(LOOK), shared.changed.notified()).await;
            continue;
        };
        let Some(made) = make(spec.clone()).await else {
            return;
        };
        shared.put(&name, &spec, made);
    }
}
