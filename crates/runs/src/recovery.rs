//! Takes up runs that an earlier process left unfinished, or another server that is gone.

use crate::{
    driver::{After, Context, Resumed},
    handle::Handle,
    launch::{Left, spawn},
    replicas::Lease,
};
use model::{SandboxRecord, SandboxState};
use std::sync::Arc;
use store::{Hold, Result, StoreError};

/// How many events are read at once.
const EVENT_PAGE: u32 = 500;

/// Puts a driver to each run that this server was given. Readers can follow them as soon as this returns.
pub(crate) async fn take_up(context: &Arc<Context>, holds: Vec<Hold>, after: After) -> Result<()> {
    // Of runs whose process ended between their end and this.
    context.store.forget_ended_environments().await?;
    if holds.is_empty() {
        return Ok(());
    }
    let sandboxes = context.store.list_sandboxes_at(&context.replica).await?;
    for hold in holds {
        take_up_one(context, hold, &sandboxes, after).await?;
    }
    Ok(())
}

async fn take_up_one(
    context: &Arc<Context>,
    hold: Hold,
    sandboxes: &[SandboxRecord],
    after: After,
) -> Result<()> {
    let store = &context.store;
    let run = store.run(&hold.run).await?;
    tracing::info!(run = %run.id, state = %run.state, "taking up a run that was left");
    let agent = store.agent(&run.agent).await?;
    let mut events = Vec::new();
    loop {
        let seq = events.last().map_or(0, |event: &model::RunEvent| event.seq);
        let page = store.events_after(&run.id, seq, EVENT_PAGE).await?;
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    let end = match store.stored_end(&run.id).await {
        Err(StoreError::NotFound(_)) => store::StoredEnd::default(),
        end => end?,
    };
    // A run may have had two: a kept one that could not take its files, and the one it then ran in.
    let sandbox = sandboxes
        .iter()
        .filter(|record| record.run.as_ref() == Some(&run.id) && record.state != SandboxState::Idle)
        .max_by_key(|record| {
            let known = run.sandbox.is_some() && record.provider_id == run.sandbox;
            (known, record.created_at)
        });
    let left = Left {
        events,
        offset: end.offset,
        lines: end.lines,
        mark: end.mark,
        resumed: Resumed {
            handle: Handle::load(store, &run.id).await,
            sandbox: sandbox.cloned(),
            person: agent.owner,
            after,
        },
    };
    spawn(context, Lease::new(hold), run, agent.settings, Err(left));
    Ok(())
}
