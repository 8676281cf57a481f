//! What is made from a sandbox: snapshots, forks, backups; and who was forked
//! from whom.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::{CreateSandboxSnapshot, ForkSandbox, Sandbox};

use super::present::{Base, describe};
use super::{create, snapshots};
use crate::body::Json;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::lifecycle;
use crate::registry::Entry;
use crate::state::SharedEngine;

pub(super) async fn snapshot(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
    Json(request): Json<CreateSandboxSnapshot>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    snapshots::check_name(&request.name)?;
    if request.include_memory {
        return Err(Fault::bad_request(
            "Container sandboxes do not support memory snapshots",
        ));
    }
    lifecycle::snapshot(&engine, &entry, &request.name).await?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn fork(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
    Json(request): Json<ForkSandbox>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let name = request.name.map(create::checked_name).transpose()?;
    let fork = lifecycle::fork(&engine, &entry, name).await?;
    Ok(Answer(describe(&fork, &base)))
}

pub(super) async fn back_up(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    lifecycle::back_up(&engine, &entry).await?;
    Ok(Answer(describe(&entry, &base)))
}

/// The sandboxes forked from one that are there still.
pub(super) fn forks_of(engine: &SharedEngine, entry: &Entry) -> Vec<Arc<Entry>> {
    let mut forks = engine.registry.list();
    forks.retain(|fork| fork.record().parent.as_deref() == Some(entry.id.as_str()));
    forks
}

pub(super) async fn forks(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Vec<Sandbox>>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let forks = forks_of(&engine, &entry);
    Ok(Answer(forks.iter().map(|fork| describe(fork, &base)).collect()))
}

/// The sandbox it was forked from, when that is there still.
fn parent_of(engine: &SharedEngine, entry: &Entry) -> Option<Arc<Entry>> {
    let parent = entry.record().parent.clone()?;
    engine.registry.by_id(&parent)
}

pub(super) async fn parent(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let parent = parent_of(&engine, &entry)
        .ok_or_else(|| Fault::not_found(format!("Sandbox {sandbox} has no parent")))?;
    Ok(Answer(describe(&parent, &base)))
}

/// From the parent upwards.
pub(super) async fn ancestors(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Vec<Sandbox>>, Fault> {
    let mut at = engine.registry.find(&caller, &sandbox)?;
    let mut ancestors = Vec::new();
    // A fork is younger than its parent, so this ends.
    while let Some(parent) = parent_of(&engine, &at) {
        ancestors.push(describe(&parent, &base));
        at = parent;
    }
    Ok(Answer(ancestors))
}
