//! When the reaper looks, and what came of it: told to those who ask, and
//! moved by those who do not want to wait.

use model::{Millis, ReaperRound};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Where the rounds stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    begun: u64,
    ended: u64,
    pub(crate) last: Option<ReaperRound>,
    /// When the next one begins; none while one is under way.
    pub(crate) next: Option<Millis>,
}

/// The rounds of this process's reaper.
#[derive(Default)]
pub(crate) struct Rounds {
    standing: watch::Sender<Standing>,
    asked: Notify,
    /// Since when sandboxes without a row are known, by the provider's id.
    strangers: Mutex<HashMap<String, Millis>>,
}

impl Rounds {
    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    pub(crate) fn strangers(&self) -> MutexGuard<'_, HashMap<String, Millis>> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the time of the next round, or until somebody asks for it.
    pub(crate) async fn wait(&self, pause: Duration) {
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let next = Millis(Millis::now().0.saturating_add(pause_ms));
        self.standing.send_modify(|standing| standing.next = Some(next));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.asked.notified() => {}
        }
    }

    pub(crate) fn begin(&self) {
        self.standing.send_modify(|standing| {
            standing.begun += 1;
            standing.next = None;
        });
    }

    pub(crate) fn end(&self, round: ReaperRound) {
        self.standing.send_modify(|standing| {
            standing.ended = standing.begun;
            standing.last = Some(round);
        });
    }

    /// Asks for a round at once, and waits until one that began after this has ended.
    pub(crate) async fn look_again(&self) {
        let mut told = self.standing.subscribe();
        let wanted = told.borrow().begun + 1;
        self.asked.notify_one();
        // The sender lives as long as `self`.
        let _ = told.wait_for(|standing| standing.ended >= wanted).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_round_that_began_before_it_was_asked_for_does_not_count() {
        let rounds = Arc::new(Rounds::default());
        rounds.begin();
        let asking = Arc::clone(&rounds);
        let asked = tokio::spawn(async move { asking.look_again().await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        rounds.end(ReaperRound::default());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!asked.is_finished(), "that one may have looked before");
        // What was asked for meanwhile is not waited for again.
        rounds.wait(Duration::from_secs(3600)).await;
        rounds.begin();
        assert_eq!(rounds.standing().next, None);
        rounds.end(ReaperRound::default());
        asked.await.expect("no panic");
    }
}
