//! The tab's one stream of events.
//!
//! However many runs the pages follow, there is one connection: browsers open
//! six to a host over all tabs. It is closed while the tab is hidden for long
//! and while nothing is followed, and resumed from each follower's own place,
//! so that nothing is doubled or lost. What comes is handed out at most once
//! per animation frame.

mod hub;
mod message;
mod progress;
mod source;

pub use progress::bytes;

use leptos::prelude::*;
use model::{Cursor, RunId, StreamMessage};

/// How the stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Nothing is followed.
    Idle,
    /// On its way.
    Connecting,
    /// Messages come as they happen.
    Live,
    /// The server cannot be reached; tried again in this many seconds.
    Retrying {
        /// Seconds until the next try; 0 while it is made.
        seconds: u32,
        /// Whether the server said that it stops.
        stopped: bool,
    },
    /// The session ended: the person has to sign in.
    SignedOut,
}

/// The stream, as pages see it: in the context of the whole app.
#[derive(Clone, Copy)]
pub struct Events {
    connection: RwSignal<Connection>,
}

/// Following a run; dropping it ends that.
#[derive(Debug)]
pub struct Following {
    id: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        hub::unfollow(self.id);
    }
}

/// Makes the stream known to all pages. Called once, in `App`.
pub fn provide_events() {
    provide_context(Events::new());
}

/// The stream of this tab.
#[must_use]
pub fn use_events() -> Events {
    use_context().unwrap_or_else(Events::new)
}

impl Events {
    fn new() -> Self {
        Self {
            connection: RwSignal::new(Connection::Idle),
        }
    }

    /// How the stream is doing.
    #[must_use]
    pub fn connection(self) -> Signal<Connection> {
        self.connection.into()
    }

    /// Does not wait for the time of the next try. Browser only.
    pub fn try_now(self) {
        hub::try_now();
    }

    /// Follows a run from `from` on. `take` is called with everything that
    /// came, in order, at most once per animation frame. In the browser only:
    /// call it in an effect or an event handler.
    #[must_use]
    pub fn follow(
        self,
        run: RunId,
        from: Cursor,
        take: impl FnMut(Vec<StreamMessage>) + 'static,
    ) -> Following {
        Following {
            id: hub::follow(self.connection, run, from, Box::new(take)),
        }
    }
}
