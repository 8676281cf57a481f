//! Waiting for a sandbox to come into a state: told by the provider where it
//! tells, by looking where it does not.

use super::events::{Event, Events};
use super::{Client, Error};
use crate::{Sandbox, SandboxState};
use std::time::{Duration, Instant};

/// How soon a state is asked for again, at first and at most; the latter also
/// while events are told, in case one is lost.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a single look may take in any case.
const LAST_LOOK: Duration = Duration::from_secs(1);

impl Client {
    /// Waits until the sandbox is in one of `states`. Looks at once, then when
    /// the provider tells a change, and else every 100 ms at first and every
    /// second at last.
    ///
    /// A sandbox that is not found is destroyed: with
    /// [`SandboxState::Destroyed`] among `states` that is a success, and the
    /// answer then holds the id and the state alone.
    ///
    /// # Errors
    /// [`Error::SandboxFailed`] when it went into an error state that was not
    /// asked for, [`Error::WaitTimedOut`] after `timeout`, and as every call.
    pub async fn wait(&self, id: &str, states: &[SandboxState], timeout: Duration) -> Result<Sandbox, Error> {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut state = SandboxState::Unknown;
        let mut events: Option<Events> = None;
        loop {
            let left = timeout.saturating_sub(started.elapsed());
            // The last look is not hurried: it may be the one that sees the state.
            let look = tokio::time::timeout(left.max(LAST_LOOK), self.get(id)).await;
            let Ok(answer) = look else {
                return Err(Error::WaitTimedOut {
                    id: id.to_owned(),
                    state,
                    after: started.elapsed(),
                });
            };
            let sandbox = match answer {
                Err(error) if error.is_not_found() && states.contains(&SandboxState::Destroyed) => {
                    let state = Some(SandboxState::Destroyed);
                    return Ok(Sandbox {
                        id: id.to_owned(),
                        state,
                        ..Sandbox::default()
                    });
                }
                answer => answer?,
            };
            state = sandbox.state.unwrap_or_default();
            if states.contains(&state) {
                return Ok(sandbox);
            }
            if state.is_failure() || state == SandboxState::Destroyed {
                let reason = sandbox
                    .error_reason
                    .unwrap_or_else(|| "the provider gives no reason".to_owned());
                return Err(Error::SandboxFailed {
                    id: id.to_owned(),
                    state,
                    reason,
                });
            }
            let elapsed = started.elapsed();
            if elapsed >= timeout {
                return Err(Error::WaitTimedOut {
                    id: id.to_owned(),
                    state,
                    after: elapsed,
                });
            }
            // Most waits end at the first look and need no connection.
            let events = events.get_or_insert_with(|| self.events());
            if events.is_connected() {
                pause = LONGEST_PAUSE;
            }
            let told = tokio::time::timeout(pause.min(timeout - elapsed), told_of(events, id));
            if told.await.is_err() {
                pause = (pause * 5 / 4).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Resolves when something was told of the sandbox, or something may have been.
async fn told_of(events: &mut Events, id_or_name: &str) {
    loop {
        let event = events.next().await;
        let about = event
            .sandbox()
            .is_some_and(|sandbox| sandbox.id == id_or_name || sandbox.name == id_or_name);
        if about || matches!(event, Event::Connected | Event::Missed(_)) {
            return;
        }
    }
}
