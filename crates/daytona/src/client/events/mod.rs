//! What the provider tells about changes, as they happen.
//!
//! One connection serves all who listen by one client and its clones. It comes
//! about with the first and goes half a minute after the last; when it breaks,
//! it is made again. Where a provider has no events, nothing is lost but
//! speed: who waits looks again and again, as without.

mod connection;
mod packet;

use super::Client;
use crate::{Sandbox, SandboxDesiredStateUpdated, SandboxStateUpdated, events as names};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

/// Events that a listener may be behind before it misses some.
const BEHIND: usize = 256;

/// Something that happened at the provider, or to our connection to it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// From now on every change is told.
    Connected,
    /// Changes are not told until the next [`Event::Connected`].
    Interrupted,
    /// This listener was too slow for so many events.
    Missed(u64),
    /// A sandbox was made.
    SandboxCreated(Box<Sandbox>),
    /// A sandbox changed.
    SandboxState(Box<SandboxStateUpdated>),
    /// A sandbox is to change.
    SandboxDesiredState(Box<SandboxDesiredStateUpdated>),
    /// Another event; see [`crate::events`] for names.
    Other {
        /// Its name.
        name: String,
        /// What came with it.
        data: Value,
    },
}

impl Event {
    fn new(name: String, data: Value) -> Self {
        let typed = match name.as_str() {
            names::SANDBOX_CREATED => serde_json::from_value(data.clone()).map(Self::SandboxCreated),
            names::SANDBOX_STATE_UPDATED => serde_json::from_value(data.clone()).map(Self::SandboxState),
            names::SANDBOX_DESIRED_STATE_UPDATED => {
                serde_json::from_value(data.clone()).map(Self::SandboxDesiredState)
            }
            _ => return Self::Other { name, data },
        };
        typed.unwrap_or(Self::Other { name, data })
    }

    /// The sandbox it is about.
    #[must_use]
    pub fn sandbox(&self) -> Option<&Sandbox> {
        match self {
            Self::SandboxCreated(sandbox) => Some(sandbox),
            Self::SandboxState(change) => Some(&change.sandbox),
            Self::SandboxDesiredState(change) => Some(&change.sandbox),
            _ => None,
        }
    }
}

/// Where events arrive and are passed on.
#[derive(Debug)]
pub(super) struct Hub {
    listeners: broadcast::Sender<Event>,
    connected: AtomicBool,
    connection: Mutex<Option<JoinHandle<()>>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            listeners: broadcast::Sender::new(BEHIND),
            connected: AtomicBool::new(false),
            connection: Mutex::new(None),
        }
    }
}

impl Hub {
    fn tell(&self, event: Event) {
        // With nobody listening there is nothing to tell.
        let _nobody = self.listeners.send(event);
    }

    fn set_connected(&self, connected: bool) {
        if self.connected.swap(connected, Ordering::AcqRel) != connected {
            self.tell(if connected {
                Event::Connected
            } else {
                Event::Interrupted
            });
        }
    }
}

/// A listener. Dropping it ends the listening.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
    hub: Arc<Hub>,
}

impl Events {
    /// The next event. Waits for ever when the provider has none.
    pub async fn next(&mut self) -> Event {
        match self.receiver.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => Event::Missed(missed),
            // The hub is ours too, so its sender is there.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    /// Whether changes are told at the moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.hub.connected.load(Ordering::Acquire)
    }
}

impl Client {
    /// Listens to what happens at the provider from now on. The connection
    /// comes about in the background: [`Event::Connected`] says when.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn events(&self) -> Events {
        let hub = Arc::clone(&self.inner.events);
        let receiver = hub.listeners.subscribe();
        let mut connection = hub.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.as_ref().is_none_or(JoinHandle::is_finished) {
            *connection = Some(tokio::spawn(connection::keep(self.clone(), Arc::clone(&hub))));
        }
        drop(connection);
        Events { receiver, hub }
    }
}
