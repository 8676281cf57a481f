//! The tab's one stream of events.

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
        /// Seconds until the next try.
        seconds: u32,
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
pub struct Following {
    id: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.id;
    }
}

/// Makes the stream known to all pages. Called once, in `App`.
pub fn provide_events() {
    provide_context(Events { connection: RwSignal::new(Connection::Idle) });
}

/// The stream of this tab.
#[must_use]
pub fn use_events() -> Events {
    use_context().unwrap_or_else(|| Events { connection: RwSignal::new(Connection::Idle) })
}

impl Events {
    /// How the stream is doing.
    #[must_use]
    pub fn connection(self) -> Signal<Connection> {
        self.connection.into()
    }

    /// Follows a run from `from` on. `take` is called with everything that
    /// came, in order, at most once per animation frame. In the browser only:
    /// call it in an effect or an event handler.
    pub fn follow(self, run: RunId, from: Cursor, take: impl FnMut(Vec<StreamMessage>) + 'static) -> Following {
        let _ = (run, from, take);
        Following { id: 0 }
    }
}
