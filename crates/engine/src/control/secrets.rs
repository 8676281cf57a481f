//! Secrets: made, listed, changed, deleted; their values are never answered.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{CreateSecret, Sandbox, SandboxSecrets, Secret, SecretPage, UpdateSecret};

use super::asked::Asked;
use super::attached;
use crate::body::{Json, Query};
use crate::clock::rfc3339;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::lifecycle;
use crate::secrets::{SecretChange, SecretRecord};
use crate::state::SharedEngine;

/// The most an organization may have.
pub(super) const MOST: usize = 500;
/// A variable's value is not longer than this.
const LONGEST_VALUE: usize = 64 << 10;
const MOST_HOSTS: usize = 50;
const LONGEST_TEXT: usize = 1024;

fn describe(record: &SecretRecord) -> Secret {
    Secret {
        id: record.id.clone(),
        name: record.name.clone(),
        description: record.description.clone(),
        // Daytona's clients want one; programs here get the value itself.
        placeholder: format!("dtn_secret_{}", record.id.replace('-', "")),
        hosts: record.hosts.clone(),
        created_at: rfc3339(record.created_ms),
        updated_at: rfc3339(record.updated_ms),
    }
}

fn check(change: SecretChange) -> Result<SecretChange, Fault> {
    let value = change.value.as_deref().unwrap_or("x");
    if value.is_empty() || value.len() > LONGEST_VALUE || value.contains('\0') {
        return Err(Fault::bad_request(
            "A secret's value has 1 byte to 64 KiB and no NUL.",
        ));
    }
    let hosts = change.hosts.as_deref().unwrap_or_default();
    let texts = hosts.iter().chain(&change.description);
    if hosts.len() > MOST_HOSTS || texts.into_iter().any(|text| text.len() > LONGEST_TEXT) {
        return Err(Fault::bad_request(
            "A secret has up to 50 hosts, and its texts up to 1024 bytes.",
        ));
    }
    Ok(change)
}

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageSecrets>,
    Json(request): Json<CreateSecret>,
) -> Result<(StatusCode, Answer<Secret>), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if request.name.is_empty() || request.name.len() > 255 || !request.name.bytes().all(plain) {
        return Err(Fault::bad_request(
            "A secret's name has 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    if engine.secrets.of(caller.organization()).len() >= MOST {
        return Err(Fault::bad_request(format!(
            "An organization has up to {MOST} secrets. Delete one first."
        )));
    }
    let change = check(SecretChange {
        value: Some(request.value.clone()),
        description: request.description,
        hosts: request.hosts,
    })?;
    let made = engine
        .secrets
        .create(caller.organization(), &request.name, &request.value, change)?;
    Ok((StatusCode::CREATED, Answer(describe(&made))))
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageSecrets>,
) -> Answer<Vec<Secret>> {
    let all = engine.secrets.of(caller.organization());
    Answer(all.iter().map(describe).collect())
}

pub(super) async fn list_page(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageSecrets>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Answer<SecretPage>, Fault> {
    Ok(Answer(page(engine.secrets.of(caller.organization()), &query)?))
}

/// Pages begin after the id that the cursor names.
fn page(mut all: Vec<SecretRecord>, query: &[(String, String)]) -> Result<SecretPage, Fault> {
    let given = |key: &str| {
        let found = query.iter().rev().find(|(name, _)| name == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    let limit = match given("limit") {
        None => 100,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=200).contains(limit))
            .ok_or_else(|| Fault::bad_request("limit must be a number between 1 and 200"))?,
    };
    if let Some(part) = given("name") {
        let part = part.to_lowercase();
        all.retain(|record| record.name.to_lowercase().contains(&part));
    }
    match given("sort") {
        Some("createdAt") => all.sort_by_key(|record| record.created_ms),
        Some("updatedAt") => all.sort_by_key(|record| record.updated_ms),
        _ => all.sort_by(|one, other| one.name.cmp(&other.name)),
    }
    if given("order") == Some("desc") {
        all.reverse();
    }
    let total = all.len();
    let from = match given("cursor") {
        None => 0,
        Some(cursor) => all
            .iter()
            .position(|record| record.id == cursor)
            .map(|at| at + 1)
            .ok_or_else(|| Fault::bad_request("cursor must be a cursor of this list"))?,
    };
    let items: Vec<_> = all[from..].iter().take(limit).collect();
    let more = from + items.len() < total;
    Ok(SecretPage {
        next_cursor: items.last().filter(|_| more).map(|record| record.id.clone()),
        items: items.into_iter().map(describe).collect(),
        total: total as u64,
    })
}

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageSecrets>,
    Path(secret): Path<String>,
) -> Result<Answer<Secret>, Fault> {
    Ok(Answer(describe(
        &engine.secrets.find(caller.organization(), &secret)?,
    )))
}

/// Programs that start from now on in sandboxes that start from now on get the
/// new value.
pub(super) async fn update(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageSecrets>,
    Path(secret): Path<String>,
    Json(request): Json<UpdateSecret>,
) -> Result<Answer<Secret>, Fault> {
    let id = engine.secrets.find(caller.organization(), &secret)?.id;
    let change = check(SecretChange {
        value: request.value,
        description: request.description,
        hosts: request.hosts,
    })?;
    let changed = engine.secrets.change(&id, change)?;
    let changed =
        changed.ok_or_else(|| Fault::not_found(format!("Secret with ID or name {secret} not found")))?;
    Ok(Answer(describe(&changed)))
}

pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ManageSecrets>,
    Path(secret): Path<String>,
) -> Result<StatusCode, Fault> {
    let id = engine.secrets.find(caller.organization(), &secret)?.id;
    engine.secrets.remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /sandbox/{idOrName}/secrets`: for programs that start from now on.
pub(super) async fn of_sandbox(
    sandbox: Asked<Can<permit::WriteSandboxes>>,
    Json(request): Json<SandboxSecrets>,
) -> Result<Answer<Sandbox>, Fault> {
    let engine = &sandbox.engine;
    let secrets = attached::secrets(engine, sandbox.caller.organization(), &request.secrets)?;
    sandbox.update(|record| record.secrets = secrets);
    let record = sandbox.record().clone();
    if let Some(live) = sandbox.live() {
        live.set_secrets(lifecycle::secrets(engine, &record)?);
    }
    Ok(sandbox.shown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_its_bounds() {
        let value = |value: &str| SecretChange {
            value: Some(value.into()),
            ..SecretChange::default()
        };
        assert!(check(value("x")).is_ok() && check(SecretChange::default()).is_ok());
        for odd in ["", "a\0", &"x".repeat(LONGEST_VALUE + 1)] {
            assert!(check(value(odd)).is_err());
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let data = tempfile::tempdir().unwrap();
        let secrets = crate::secrets::Secrets::open(data.path()).unwrap();
        for name in ["c", "a", "b"] {
            secrets.create("red", name, "v", SecretChange::default()).unwrap();
        }
        let get = |query: &[(&str, &str)]| {
            let query: Vec<_> = query
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect();
            page(secrets.of("red"), &query)
        };
        let first = get(&[("limit", "2")]).unwrap();
        assert_eq!(
            first
                .items
                .iter()
                .map(|item| item.name.as_str())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert_eq!(first.total, 3);
        let rest = get(&[("limit", "2"), ("cursor", first.next_cursor.as_deref().unwrap())]).unwrap();
        assert_eq!((rest.items[0].name.as_str(), rest.next_cursor), ("c", None));
        assert!(get(&[("cursor", "x")]).is_err() && get(&[("limit", "0")]).is_err());
    }
}
