//! Sandboxes made before anyone asked, so that asking does not wait.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::room::Room;
use super::{SandboxError, SandboxSpec};

/// After a failure the next attempt waits this long.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Shared {
    ready: Mutex<VecDeque<Room>>,
    taken: Notify,
}

impl Shared {
    fn ready(&self) -> std::sync::MutexGuard<'_, VecDeque<Room>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ready sandboxes and the task that makes more.
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
    /// Keeps `size` sandboxes ready, made by `make`; ends when that says `None`.
    pub(super) fn start<F, M>(size: usize, make: F) -> Self
    where
        F: Fn() -> M + Send + 'static,
        M: Future<Output = Option<Result<Room, SandboxError>>> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let filling = tokio::spawn(fill(Arc::clone(&shared), size, make)).abort_handle();
        Self { shared, filling }
    }

    /// Takes one that can become what is asked for.
    pub(super) fn take(&self, spec: &SandboxSpec) -> Option<Room> {
        let mut ready = self.shared.ready();
        let dead = ready.len();
        ready.retain(Room::is_alive);
        let found = ready.iter().position(|room| room.can_become(spec));
        let room = found.and_then(|at| ready.remove(at));
        if room.is_some() || ready.len() < dead {
            self.shared.taken.notify_one();
        }
        room
    }

    /// Ends all of them and makes no more.
    pub(super) fn close(&self) {
        self.filling.abort();
        self.shared.ready().clear();
    }
}

async fn fill<F, M>(shared: Arc<Shared>, size: usize, make: F)
where
    F: Fn() -> M,
    M: Future<Output = Option<Result<Room, SandboxError>>>,
{
    loop {
        while shared.ready().len() < size {
            match make().await {
                None => return,
                Some(Ok(room)) => shared.ready().push_back(room),
                Some(Err(error)) => {
                    tracing::warn!(%error, "no sandbox could be made ready");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        shared.taken.notified().await;
    }
}
