//! Addresses of a sandbox's ports and keys for its files.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::{PortPreview, SignedPortPreview};

use super::present::Base;
use crate::body::Query;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::previews::address;
use crate::proxy;
use crate::registry::Entry;
use crate::state::SharedEngine;
use crate::tickets::Opens;

/// The longest a signed preview lasts, in seconds.
const LONGEST: u64 = 86_400;

/// What the path of a call about a sandbox's port holds.
#[derive(serde::Deserialize)]
pub(super) struct PortPath {
    sandbox: String,
    port: String,
    #[serde(default)]
    token: String,
}

impl PortPath {
    fn find(&self, engine: &SharedEngine, caller: &Caller) -> Result<(Arc<Entry>, u16), Fault> {
        let entry = engine.registry.find(caller, &self.sandbox)?;
        Ok((entry, proxy::port(&self.port)?))
    }
}

pub(super) async fn address_of(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(path): Path<PortPath>,
) -> Result<Answer<PortPreview>, Fault> {
    let (entry, port) = path.find(&engine, &caller)?;
    Ok(Answer(PortPreview {
        url: address(&engine.config.preview_domain, &base, port, &entry.id),
        token: entry.preview_token().as_str().to_owned(),
        sandbox_id: entry.id.clone(),
    }))
}

#[derive(serde::Deserialize)]
pub(super) struct SignQuery {
    #[serde(rename = "expiresInSeconds")]
    seconds: Option<u64>,
}

pub(super) async fn sign(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(path): Path<PortPath>,
    Query(query): Query<SignQuery>,
) -> Result<Answer<SignedPortPreview>, Fault> {
    let (entry, port) = path.find(&engine, &caller)?;
    let seconds = query.seconds.unwrap_or(60);
    if !(1..=LONGEST).contains(&seconds) {
        return Err(Fault::bad_request(format!(
            "expiresInSeconds must be between 1 and {LONGEST}, not {seconds}"
        )));
    }
    let token = engine
        .tickets
        .issue(&entry, Opens::Port(port), Duration::from_secs(seconds))?;
    Ok(Answer(SignedPortPreview {
        url: address(&engine.config.preview_domain, &base, port, token.as_str()),
        token: token.as_str().to_owned(),
        sandbox_id: entry.id.clone(),
        port,
    }))
}

pub(super) async fn expire(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(path): Path<PortPath>,
) -> Result<(), Fault> {
    let (entry, port) = path.find(&engine, &caller)?;
    if engine.tickets.revoke(&entry, &path.token, Opens::Port(port)) {
        return Ok(());
    }
    Err(Fault::not_found(format!(
        "Port {port} of this sandbox has no signed preview address with this token, or its time is over"
    )))
}

pub(super) async fn signing_key(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<Answer<String>, Fault> {
    Ok(Answer(engine.registry.find(&caller, &sandbox)?.signing_key()))
}

pub(super) async fn rotate_signing_key(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    Path(sandbox): Path<String>,
) -> Result<Answer<String>, Fault> {
    Ok(Answer(engine.registry.find(&caller, &sandbox)?.new_signing_key()))
}
