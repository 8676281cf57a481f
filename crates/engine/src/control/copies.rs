//! What is made from a sandbox: snapshots, forks, backups; and who was forked
//! from whom.

use std::sync::Arc;

use axum::Json as Answer;
use daytona::{CreateSandboxSnapshot, ForkSandbox, Sandbox};

use super::asked::Asked;
use super::{create, snapshots};
use crate::body::Json;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::lifecycle;
use crate::registry::Entry;
use crate::state::SharedEngine;

/// A sandbox the caller may make something from.
type Copied = Asked<Can<permit::WriteSandboxes>>;
type Shown = Result<Answer<Sandbox>, Fault>;

pub(super) async fn snapshot(sandbox: Copied, Json(request): Json<CreateSandboxSnapshot>) -> Shown {
    snapshots::check_name(&request.name)?;
    if request.include_memory {
        return Err(Fault::bad_request(
            "Container sandboxes do not support memory snapshots",
        ));
    }
    lifecycle::snapshot(&sandbox.engine, &sandbox, &request.name).await?;
    Ok(sandbox.shown())
}

pub(super) async fn fork(sandbox: Copied, Json(request): Json<ForkSandbox>) -> Shown {
    let name = request.name.map(create::checked_name).transpose()?;
    let fork = lifecycle::fork(&sandbox.engine, &sandbox, name).await?;
    Ok(Answer(sandbox.describe(&fork)))
}

pub(super) async fn back_up(sandbox: Copied) -> Shown {
    lifecycle::back_up(&sandbox.engine, &sandbox).await?;
    Ok(sandbox.shown())
}

/// The sandboxes forked from one that are there still.
pub(super) fn forks_of(engine: &SharedEngine, entry: &Entry) -> Vec<Arc<Entry>> {
    let mut forks = engine.registry.list();
    forks.retain(|fork| fork.record().parent.as_deref() == Some(entry.id.as_str()));
    forks
}

pub(super) async fn forks(sandbox: Asked<Caller>) -> Answer<Vec<Sandbox>> {
    let forks = forks_of(&sandbox.engine, &sandbox);
    Answer(forks.iter().map(|fork| sandbox.describe(fork)).collect())
}

/// The sandbox it was forked from, when that is there still.
fn parent_of(engine: &SharedEngine, entry: &Entry) -> Option<Arc<Entry>> {
    let parent = entry.record().parent.clone()?;
    engine.registry.by_id(&parent)
}

pub(super) async fn parent(sandbox: Asked<Caller>) -> Shown {
    let parent = parent_of(&sandbox.engine, &sandbox);
    let parent =
        parent.ok_or_else(|| Fault::not_found(format!("Sandbox {} has no parent", sandbox.record().name)))?;
    Ok(Answer(sandbox.describe(&parent)))
}

/// From the parent upwards.
pub(super) async fn ancestors(sandbox: Asked<Caller>) -> Answer<Vec<Sandbox>> {
    let mut at = Arc::clone(&sandbox);
    let mut ancestors = Vec::new();
    // A fork is younger than its parent, so this ends.
    while let Some(parent) = parent_of(&sandbox.engine, &at) {
        ancestors.push(sandbox.describe(&parent));
        at = parent;
    }
    Answer(ancestors)
}
