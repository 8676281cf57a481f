//! `/organizations`: who is kept apart from whom. The engine's own key makes
//! one; the answer is Daytona's organization with one field more, `apiKey`: the
//! first key of the new organization, shown this once, without which nobody
//! could enter it. With that key further ones are made (`POST /api-keys`).

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{Organization, User};
use serde::Deserialize;
use serde_json::json;

use super::api_keys::describe_new;
use super::create::{MOST_CPU, MOST_DISK, MOST_MEMORY};
use super::service::object;
use super::{REGION, attached, secrets};
use crate::body::Json;
use crate::clock::rfc3339;
use crate::fault::Fault;
use crate::identity::{self, Administrator, Caller};
use crate::state::SharedEngine;

/// Daytona's further field, a default region, has one value here and is not read.
#[derive(Deserialize)]
pub(super) struct NewOrganization {
    name: String,
}

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    _: Administrator,
    Json(request): Json<NewOrganization>,
) -> Result<(StatusCode, Answer<Organization>), Fault> {
    let (made, key, value) = engine.identity.add_organization(&request.name)?;
    let mut organization = describe(&engine, made);
    let key = json!(describe_new(&key, value));
    organization.rest.insert("apiKey".to_owned(), key);
    Ok((StatusCode::CREATED, Answer(organization)))
}

pub(super) async fn list(State(engine): State<SharedEngine>, caller: Caller) -> Answer<Vec<Organization>> {
    let known = engine.identity.organizations(&caller).into_iter();
    Answer(known.map(|one| describe(&engine, one)).collect())
}

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(organization): Path<String>,
) -> Result<Answer<Organization>, Fault> {
    let found = engine.identity.organization(&caller, &organization)?;
    Ok(Answer(describe(&engine, found)))
}

/// Only an empty one goes: whoever means what is in it says so.
pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    _: Administrator,
    caller: Caller,
    Path(organization): Path<String>,
) -> Result<StatusCode, Fault> {
    let found = engine.identity.organization(&caller, &organization)?;
    if found.id == identity::FIRST_ORGANIZATION {
        return Err(Fault::bad_request(
            "The organization of the engine's own key cannot be deleted.",
        ));
    }
    let left = [
        (engine.registry.of(&found.id).len(), "sandboxes"),
        (engine.snapshots.made_by(&found.id).len(), "snapshots"),
        (engine.volumes.of(&found.id).len(), "volumes"),
        (engine.secrets.of(&found.id).len(), "secrets"),
        (engine.warm_pools.of(&found.id).len(), "warm pools"),
    ];
    if let Some((count, what)) = left.into_iter().find(|(count, _)| *count > 0) {
        return Err(Fault::conflict(format!(
            "The organization still has {what} ({count}). Delete them first."
        )));
    }
    engine.identity.remove_organization(&found.id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// There are no people here, only keys: the one who asks is their organization.
pub(super) async fn me(State(engine): State<SharedEngine>, caller: Caller) -> Result<Answer<User>, Fault> {
    let own = engine.identity.organization(&caller, caller.organization())?;
    Ok(Answer(User {
        id: own.id,
        name: own.name,
        email: String::new(),
        rest: object(json!({
            "emailVerified": false,
            "publicKeys": [],
            "createdAt": rfc3339(own.created_ms),
        })),
    }))
}

/// Daytona's generated clients want every field, also those of a suspension
/// that never was; a moment before the organization stands for "never".
pub(super) fn describe(engine: &SharedEngine, organization: identity::Organization) -> Organization {
    let never = rfc3339(0);
    let limits = &engine.config.rate_limits;
    let rate = |limit: u32| (limit > 0).then_some(limit);
    let created_at = rfc3339(organization.created_ms);
    Organization {
        id: organization.id,
        name: organization.name,
        created_by: identity::FIRST_ORGANIZATION.to_owned(),
        updated_at: created_at.clone(),
        created_at,
        personal: false,
        suspended: false,
        rest: object(json!({
            "defaultRegionId": REGION,
            "suspendedAt": never,
            "suspensionReason": "",
            "suspendedUntil": never,
            "suspensionCleanupGracePeriodHours": 0,
            "maxCpuPerSandbox": MOST_CPU,
            "maxMemoryPerSandbox": MOST_MEMORY,
            "maxDiskPerSandbox": MOST_DISK,
            "secretQuota": secrets::MOST,
            "maxSecretsPerSandbox": attached::MOST_SECRETS,
            "snapshotDeactivationTimeoutMinutes": 0,
            "defaultQueueTimeout": null,
            "sandboxLimitedNetworkEgress": engine.config.network_default.is_off(),
            "previewWarningEnabled": false,
            "ssoEnabled": false,
            "scimEnabled": false,
            "authenticatedRateLimit": rate(limits.authenticated),
            "sandboxCreateRateLimit": rate(limits.sandbox_create),
            "sandboxLifecycleRateLimit": rate(limits.sandbox_lifecycle),
            "experimentalConfig": {},
            "otelConfig": null,
            "authenticatedRateLimitTtlSeconds": 60,
            "sandboxCreateRateLimitTtlSeconds": 60,
            "sandboxLifecycleRateLimitTtlSeconds": 60,
        })),
    }
}
