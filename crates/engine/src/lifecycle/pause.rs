//! Pausing: every program stands still where it is and takes no processor time;
//! its memory stays.

use std::sync::Arc;

use axum::http::StatusCode;
use daytona::SandboxState;

use super::change::{begin, to_the_end};
use crate::fault::Fault;
use crate::registry::Entry;
use crate::state::SharedEngine;

/// Pauses a started sandbox.
pub(crate) async fn pause(engine: &SharedEngine, entry: &Arc<Entry>) -> Result<(), Fault> {
    let change = begin(entry).await?;
    if !engine.host.isolation().level.has_namespaces() {
        return Err(Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Pausing needs namespaces, which sandboxes on this host have not",
        ));
    }
    let state = entry.record().state;
    match state {
        SandboxState::Paused => return Ok(()),
        SandboxState::Started => {}
        other => {
            return Err(Fault::bad_request(format!(
                "Sandbox is {} and cannot be paused",
                other.as_str()
            )));
        }
    }
    let entry = Arc::clone(entry);
    to_the_end(async move {
        let _change = change;
        entry.set_state(SandboxState::Pausing);
        hold(&entry, true, SandboxState::Paused, SandboxState::Started).await
    })
    .await
}

/// Lets a paused sandbox go on; the change is the caller's.
pub(super) async fn resume(entry: &Entry) -> Result<(), Fault> {
    entry.set_state(SandboxState::Resuming);
    entry.activity.touch();
    hold(entry, false, SandboxState::Started, SandboxState::Paused).await
}

async fn hold(entry: &Entry, still: bool, done: SandboxState, failed: SandboxState) -> Result<(), Fault> {
    let held = match entry.live() {
        Some(live) => {
            // What is asked from now on would find them still.
            live.set_held(true);
            let held = live.sandbox.hold(still).await.map_err(Fault::from);
            live.set_held(still == held.is_ok());
            held
        }
        None => Err(Fault::conflict("The sandbox ended meanwhile.")),
    };
    entry.set_state(if held.is_ok() { done } else { failed });
    held
}
