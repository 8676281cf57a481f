//! `/api-keys`: the keys of the caller's organization. A key is shown when it
//! is made and never again.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{ApiKey, CreateApiKey, CreatedApiKey};

use crate::body::Json;
use crate::clock::{self, rfc3339};
use crate::fault::Fault;
use crate::identity::{Caller, Can, Key, NewKey, Permission, permit};
use crate::state::SharedEngine;

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageApiKeys>,
    Json(request): Json<CreateApiKey>,
) -> Result<(StatusCode, Answer<CreatedApiKey>), Fault> {
    let new = asked(&caller, request)?;
    let (key, value) = engine.identity.add_key(caller.organization(), new)?;
    Ok((StatusCode::CREATED, Answer(describe_new(&key, value))))
}

/// What a request asks for, as far as the caller may give it: nobody gives
/// more than they have.
fn asked(caller: &Caller, request: CreateApiKey) -> Result<NewKey, Fault> {
    let mut new = NewKey {
        name: request.name,
        permissions: Default::default(),
        expires_ms: None,
    };
    for word in request.permissions {
        let permission = Permission::read(&word)
            .ok_or_else(|| Fault::bad_request(format!("There is no permission {word:?}.")))?;
        caller.must(permission)?;
        new.permissions.insert(permission);
    }
    if let Some(text) = request.expires_at {
        let end = clock::read(&text).filter(|end| *end > clock::now_ms());
        new.expires_ms = Some(end.ok_or_else(|| {
            Fault::bad_request(format!(
                "expiresAt must be a moment that is still to come, not {text:?}"
            ))
        })?);
    }
    Ok(new)
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageApiKeys>,
) -> Answer<Vec<ApiKey>> {
    let keys = engine.identity.keys(caller.organization());
    Answer(keys.iter().map(|key| describe(key)).collect())
}

pub(super) async fn current(caller: Caller) -> Answer<ApiKey> {
    Answer(describe(caller.key()))
}

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageApiKeys>,
    Path(name): Path<String>,
) -> Result<Answer<ApiKey>, Fault> {
    let key = engine.identity.key(caller.organization(), &name)?;
    Ok(Answer(describe(&key)))
}

pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageApiKeys>,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    engine.identity.remove_key(caller.organization(), &name)?;
    Ok(StatusCode::NO_CONTENT)
}

fn words(key: &Key) -> Vec<String> {
    let words = key.permissions().iter();
    words.map(|permission| permission.as_str().to_owned()).collect()
}

/// A key just made, with its value.
pub(super) fn describe_new(key: &Key, value: String) -> CreatedApiKey {
    let record = key.record();
    CreatedApiKey {
        permissions: words(key),
        value,
        created_at: rfc3339(record.created_ms),
        expires_at: record.expires_ms.map(rfc3339),
        name: record.name,
    }
}

fn describe(key: &Key) -> ApiKey {
    let record = key.record();
    ApiKey {
        permissions: words(key),
        value: record.shown,
        created_at: rfc3339(record.created_ms),
        last_used_at: record.last_used_ms.map(rfc3339),
        expires_at: record.expires_ms.map(rfc3339),
        // There are no people here, only keys.
        user_id: record.organization.clone(),
        organization_id: Some(record.organization),
        name: record.name,
    }
}
