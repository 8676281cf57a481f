//! Telling other servers that something of a run is new, and hearing it of them.
//!
//! Rung at most every [`PACE`] for all runs together, and only while another
//! server is alive, so that it costs next to nothing. Who waits for a run looks
//! by himself now and then too: a bell that is lost costs a moment.

use model::RunId;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::Store;
use tokio::sync::{Notify, watch};

/// The shortest time between two rings.
const PACE: Duration = Duration::from_millis(40);
/// How long is waited after the database could not be reached.
const PAUSE: Duration = Duration::from_secs(1);
/// How many runs one ring names: PostgreSQL takes less than 8,000 bytes.
const AT_ONCE: usize = 150;

/// The bell of this server.
#[derive(Default)]
pub(crate) struct Bell {
    /// Who rings, so that nobody answers himself.
    server: String,
    others: AtomicBool,
    changed: Mutex<BTreeSet<RunId>>,
    work: Notify,
    waiting: Mutex<HashMap<RunId, watch::Sender<()>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bell {
    pub(crate) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            ..Self::default()
        }
    }

    /// Notes whether anybody is there to hear.
    pub(crate) fn others(&self, there: bool) {
        self.others.store(there, Ordering::Release);
    }

    /// Something of this run is new in the store.
    pub(crate) fn changed(&self, run: &RunId) {
        if self.others.load(Ordering::Acquire) && locked(&self.changed).insert(run.clone()) {
            self.work.notify_one();
        }
    }

    /// The same, told also when nobody is known to be there: somebody may be new.
    pub(crate) fn changed_for_all(&self, run: &RunId) {
        locked(&self.changed).insert(run.clone());
        self.work.notify_one();
    }

    /// Told whenever another server has something new of this run.
    pub(crate) fn waiting_for(&self, run: &RunId) -> watch::Receiver<()> {
        let mut waiting = locked(&self.waiting);
        waiting.retain(|_, sender| sender.receiver_count() > 0);
        let sender = waiting
            .entry(run.clone())
            .or_insert_with(|| watch::Sender::new(()));
        sender.subscribe()
    }

    /// Wakes who waits for this run here.
    pub(crate) fn wake(&self, run: &RunId) {
        if let Some(sender) = locked(&self.waiting).get(run) {
            sender.send_replace(());
        }
    }

    fn wake_all(&self) {
        for sender in locked(&self.waiting).values() {
            sender.send_replace(());
        }
    }

    /// Rings until it is dropped.
    pub(crate) async fn ring(&self, store: &Store) {
        loop {
            self.work.notified().await;
            let runs = std::mem::take(&mut *locked(&self.changed));
            let runs: Vec<&str> = runs.iter().map(RunId::as_str).collect();
            for some in runs.chunks(AT_ONCE) {
                let words = format!("{} {}", self.server, some.join(" "));
                if let Err(error) = store.ring(&words).await {
                    tracing::debug!(%error, "other servers could not be told");
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Hears until it is dropped; `asked` is told each run that another server rang for.
    pub(crate) async fn hear(&self, store: &Store, asked: impl Fn(RunId)) {
        loop {
            match store.bells().await {
                Ok(Some(mut bells)) => loop {
                    match bells.next().await {
                        Ok(Some(words)) => self.heard(&words, &asked),
                        // What was rung meanwhile is not known.
                        Ok(None) => self.wake_all(),
                        Err(error) => {
                            tracing::debug!(%error, "other servers cannot be heard");
                            break;
                        }
                    }
                },
                Ok(None) => return,
                Err(error) => tracing::debug!(%error, "other servers cannot be heard"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn heard(&self, words: &str, asked: &impl Fn(RunId)) {
        let mut words = words.split(' ');
        if words.next() == Some(&self.server) {
            return;
        }
        for run in words.filter_map(|word| RunId::parse(word).ok()) {
            self.wake(&run);
            asked(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_woken_by_others_alone() {
        let (bell, run) = (Bell::new("me"), RunId::generate());
        let mut waiting = bell.waiting_for(&run);
        let asked = Mutex::new(Vec::new());
        let ask = |run: RunId| locked(&asked).push(run);
        bell.heard(&format!("me {run}"), &ask);
        bell.heard(&format!("other {}", RunId::generate()), &ask);
        bell.heard("other", &ask);
        bell.heard("other not-a-run \0", &ask);
        assert!(!waiting.has_changed().expect("open"));
        bell.heard(&format!("other x {run}"), &ask);
        assert!(waiting.has_changed().expect("open"));
        waiting.mark_unchanged();
        assert_eq!(locked(&asked).len(), 2);
        drop(waiting);
        drop(bell.waiting_for(&RunId::generate()));
        assert_eq!(locked(&bell.waiting).len(), 1, "who is gone is forgotten");
    }

    #[test]
    fn nobody_is_told_when_nobody_is_there() {
        let (bell, run) = (Bell::new("me"), RunId::generate());
        bell.changed(&run);
        assert!(locked(&bell.changed).is_empty());
        bell.others(true);
        bell.changed(&run);
        bell.changed(&run);
        assert_eq!(locked(&bell.changed).len(), 1);
    }
}
