//! The open connections, and which of them makes room for a newcomer.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// All of them.
pub(super) struct Open {
    most: usize,
    all: Mutex<HashMap<u64, Arc<Activity>>>,
    next: AtomicU64,
    since: Instant,
}

/// What a connection does.
pub(super) struct Activity {
    /// Requests that are not answered to their end.
    requests: AtomicUsize,
    /// Since when there is none, in milliseconds of [`Open::since`].
    idle_since: AtomicU64,
    begin: Instant,
    makes_room: CancellationToken,
}

/// One of them, until dropped.
pub(super) struct Connection {
    open: Arc<Open>,
    number: u64,
    activity: Arc<Activity>,
}

/// A request under way, until dropped.
pub(super) struct AtWork(Arc<Activity>);

impl Open {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            all: Mutex::default(),
            next: AtomicU64::new(0),
            since: Instant::now(),
        })
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, when there is room or can be made: the one that waits for nothing longest is closed.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Connection> {
        let mut all = self.locked();
        if all.len() >= self.most {
            let idle = all
                .iter()
                .filter(|(_, activity)| activity.requests.load(Ordering::Acquire) == 0);
            let (number, activity) =
                idle.min_by_key(|(_, activity)| activity.idle_since.load(Ordering::Acquire))?;
            activity.makes_room.cancel();
            let number = *number;
            all.remove(&number);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let activity = Arc::new(Activity {
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(milliseconds(self.since)),
            begin: self.since,
            makes_room: CancellationToken::new(),
        });
        all.insert(number, Arc::clone(&activity));
        Some(Connection {
            open: Arc::clone(self),
            number,
            activity,
        })
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Connection {
    pub(super) fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }

    /// Waits until it has to make room for another.
    pub(super) async fn made_room(&self) {
        self.activity.makes_room.cancelled().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.locked().remove(&self.number);
    }
}

impl Activity {
    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> AtWork {
        self.requests.fetch_add(1, Ordering::AcqRel);
        AtWork(Arc::clone(self))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let activity = &self.0;
        activity
            .idle_since
            .store(milliseconds(activity.begin), Ordering::Release);
        activity.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_makes_room_and_who_works_does_not() {
        let open = Open::new(2);
        let one = open.admit().expect("room");
        std::thread::sleep(std::time::Duration::from_millis(5));
        let two = open.admit().expect("room");
        let at_work = one.activity().begin();
        let three = open.admit().expect("made room");
        assert!(two.activity.makes_room.is_cancelled());
        assert!(!one.activity.makes_room.is_cancelled());
        let three_at_work = three.activity().begin();
        assert!(open.admit().is_none(), "both are at work");
        drop(at_work);
        let four = open.admit().expect("made room");
        assert!(one.activity.makes_room.is_cancelled());
        // What is gone already takes nobody's place away.
        drop((one, two));
        assert_eq!(open.locked().len(), 2);
        drop((three, three_at_work, four));
        assert_eq!(open.locked().len(), 0);
    }
}
