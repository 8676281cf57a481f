//! What Daytona's own proxy asks about previews. Ours needs no asking; other
//! proxies in front of it may.

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::identity::Caller;
use crate::proxy;
use crate::state::SharedEngine;
use crate::tickets::Opens;

/// Whether everybody may see its previews.
pub(super) async fn public(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<Answer<bool>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let public = entry.record().public;
    Ok(Answer(public))
}

/// Whether the caller may see its previews; 404 when not.
pub(super) async fn access(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<Answer<bool>, Fault> {
    engine.registry.find(&caller, &sandbox).map(|_| Answer(true))
}

/// What the path of a call about a token holds.
#[derive(serde::Deserialize)]
pub(super) struct TokenPath {
    sandbox: String,
    token: String,
}

/// Whether this is its preview token.
pub(super) async fn validate(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(path): Path<TokenPath>,
) -> Result<Answer<bool>, Fault> {
    let entry = engine.registry.find(&caller, &path.sandbox)?;
    Ok(Answer(entry.admits(&path.token)))
}

/// No warning is put before previews here.
pub(super) async fn warning(_: Caller) -> Answer<Value> {
    Answer(json!({"enabled": false}))
}

/// What the path of a call about a signed preview holds.
#[derive(serde::Deserialize)]
pub(super) struct SignedPath {
    /// The signed token; it stands where others have the sandbox.
    sandbox: String,
    port: String,
}

/// The sandbox a signed preview is of.
pub(super) async fn sandbox_of_signed(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(path): Path<SignedPath>,
) -> Result<Answer<String>, Fault> {
    let found = engine
        .tickets
        .find(&path.sandbox, Opens::Port(proxy::port(&path.port)?));
    found
        .filter(|entry| entry.organization == caller.organization())
        .map(|entry| Answer(entry.id.clone()))
        .ok_or_else(|| Fault::not_found("There is no such signed preview, or its time is over"))
}
