//! SSH access to a sandbox: a ticket that is the user name at the gateway.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{Sandbox, SshAccess, SshAccessValidation};

use super::present::{Base, describe};
use crate::body::Query;
use crate::clock;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::state::SharedEngine;
use crate::tickets::Opens;

/// The longest an access lasts: thirty days, in minutes.
const LONGEST: u32 = 30 * 24 * 60;
/// SSH's own port, which needs no saying.
const USUAL_PORT: u16 = 22;

#[derive(serde::Deserialize)]
pub(super) struct CreateQuery {
    #[serde(rename = "expiresInMinutes")]
    minutes: Option<u32>,
}

/// Gives access; earlier ones end.
pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
    Query(query): Query<CreateQuery>,
) -> Result<Answer<SshAccess>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let Some(gateway) = engine.ssh.get() else {
        return Err(Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "This engine has no SSH gateway. Give it an address to listen on (PITLANE_SSH_ADDR), or use a terminal of the toolbox.",
        ));
    };
    let minutes = query.minutes.unwrap_or(60);
    if !(1..=LONGEST).contains(&minutes) {
        return Err(Fault::bad_request(format!(
            "expiresInMinutes must be between 1 and {LONGEST}, not {minutes}"
        )));
    }
    engine.tickets.revoke_all(&entry, Opens::Shell);
    let lasts = Duration::from_secs(u64::from(minutes) * 60);
    let token = engine.tickets.issue(&entry, Opens::Shell, lasts)?;
    let (now, token) = (clock::now_ms(), token.as_str().to_owned());
    let port = match gateway.port() {
        USUAL_PORT => String::new(),
        port => format!("-p {port} "),
    };
    Ok(Answer(SshAccess {
        id: uuid::Uuid::new_v4().to_string(),
        sandbox_id: entry.id.clone(),
        expires_at: clock::rfc3339(now + i64::from(minutes) * 60_000),
        created_at: clock::rfc3339(now),
        updated_at: clock::rfc3339(now),
        ssh_command: format!("ssh {port}{token}@{}", base.name()),
        token,
    }))
}

#[derive(serde::Deserialize)]
pub(super) struct TokenQuery {
    token: Option<String>,
}

/// Ends one access, or all of the sandbox's.
pub(super) async fn revoke(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
    Query(query): Query<TokenQuery>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    match query.token.filter(|token| !token.is_empty()) {
        None => engine.tickets.revoke_all(&entry, Opens::Shell),
        Some(token) => {
            engine.tickets.revoke(&entry, &token, Opens::Shell);
        }
    }
    Ok(Answer(describe(&entry, &base)))
}

/// Whether a token lets in, and where.
pub(super) async fn validate(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Query(query): Query<TokenQuery>,
) -> Answer<SshAccessValidation> {
    let found = engine
        .tickets
        .find(&query.token.unwrap_or_default(), Opens::Shell)
        .filter(|entry| entry.organization == caller.organization());
    Answer(SshAccessValidation {
        valid: found.is_some(),
        sandbox_id: found.map_or_else(String::new, |entry| entry.id.clone()),
    })
}
