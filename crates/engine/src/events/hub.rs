//! Who listens to which organization.
//!
//! A channel for each organization somebody listens to, so that one with much
//! to tell makes no other listener miss anything. Publishing never waits: a
//! listener that is too slow for the channel's length has missed something and
//! is disconnected; its client comes back and asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::broadcast;

use super::Event;

/// How many events a listener may be behind.
const BEHIND: usize = 512;
/// The most listeners of an organization.
const LISTENERS: usize = 4096;

/// The listeners; none once it is closed.
#[derive(Debug)]
pub(crate) struct Events(Mutex<Option<HashMap<String, broadcast::Sender<Event>>>>);

impl Default for Events {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Events {
    fn all(&self) -> MutexGuard<'_, Option<HashMap<String, broadcast::Sender<Event>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody would hear of an organization.
    pub(crate) fn heard(&self, organization: &str) -> bool {
        let all = self.all();
        let channel = all.as_ref().and_then(|all| all.get(organization));
        channel.is_some_and(|channel| channel.receiver_count() > 0)
    }

    /// Tells everyone of an organization.
    pub(crate) fn publish(&self, organization: &str, event: Event) {
        let mut all = self.all();
        let Some(all) = all.as_mut() else { return };
        if let Some(channel) = all.get(organization)
            && channel.send(event).is_err()
        {
            // Nobody is left.
            all.remove(organization);
        }
    }

    /// Tells something that is written only when somebody hears it: a name and
    /// what it carries.
    pub(crate) fn say(&self, organization: &str, what: impl FnOnce() -> (&'static str, Value)) {
        if self.heard(organization) {
            let (name, payload) = what();
            self.publish(organization, Event::Said(name, Arc::new(payload)));
        }
    }

    /// Listens from now on; `None` when there are too many, or the engine ends.
    pub(super) fn listen(&self, organization: &str) -> Option<broadcast::Receiver<Event>> {
        let mut all = self.all();
        let all = all.as_mut()?;
        all.retain(|_, channel| channel.receiver_count() > 0);
        let channel = all
            .entry(organization.to_owned())
            .or_insert_with(|| broadcast::channel(BEHIND).0);
        (channel.receiver_count() < LISTENERS).then(|| channel.subscribe())
    }

    /// Ends every listener once it has heard what was published.
    pub(crate) fn close(&self) {
        self.all().take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::sync::broadcast::error::TryRecvError;

    fn said(number: usize) -> Event {
        Event::Said("snapshot.created", Arc::new(json!(number)))
    }

    #[test]
    fn each_organization_hears_its_own() {
        let events = Events::default();
        assert!(!events.heard("one"));
        events.publish("one", said(0));
        let (mut one, mut other) = (events.listen("one").unwrap(), events.listen("two").unwrap());
        assert!(events.heard("one"));
        events.publish("one", said(1));
        assert!(matches!(one.try_recv(), Ok(Event::Said(_, number)) if *number == json!(1)));
        assert!(matches!(other.try_recv(), Err(TryRecvError::Empty)));
        drop(one);
        assert!(!events.heard("one"));
        events.publish("one", said(2));
        events.close();
        assert!(matches!(other.try_recv(), Err(TryRecvError::Closed)));
        assert!(events.listen("one").is_none());
    }

    #[test]
    fn a_slow_listener_is_told_that_it_missed_something_and_holds_nothing_up() {
        let events = Events::default();
        let (mut slow, mut quick) = (events.listen("one").unwrap(), events.listen("one").unwrap());
        for number in 0..BEHIND * 2 {
            events.publish("one", said(number));
            assert!(quick.try_recv().is_ok());
        }
        assert!(matches!(slow.try_recv(), Err(TryRecvError::Lagged(_))));
    }
}
