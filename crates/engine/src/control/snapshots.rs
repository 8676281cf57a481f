//! Snapshots: listed, made from images and Dockerfiles, deleted. Those of
//! sandboxes are made by `POST /sandbox/{idOrName}/snapshot`.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{CreateSnapshot, Snapshot, SnapshotPage, SnapshotState};

use super::create::Size;
use super::origin::{self, Made};
use crate::body::{Json, Query};
use crate::clock::rfc3339;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::lifecycle;
use crate::snapshots::SnapshotRecord;
use crate::state::{Engine, SharedEngine};

const GIB: f64 = (1_u64 << 30) as f64;
/// As at Daytona.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 200;
/// The most an organization may keep.
pub(super) const MOST: usize = 500;

/// The snapshot's JSON.
pub(crate) fn describe(record: &SnapshotRecord) -> Snapshot {
    Snapshot {
        id: record.id.clone(),
        organization_id: (!record.is_general()).then(|| record.organization.clone()),
        general: record.is_general(),
        name: record.name.clone(),
        image_name: record.image_name.clone(),
        state: record.state,
        size: record.size.map(|bytes| bytes as f64 / GIB),
        entrypoint: Some(record.origin.start.entrypoint.clone()).filter(|words| !words.is_empty()),
        cpu: record.cpu.into(),
        gpu: 0.0,
        mem: record.memory.into(),
        disk: record.disk.into(),
        error_reason: record.error_reason.clone(),
        created_at: rfc3339(record.created_ms),
        updated_at: rfc3339(record.updated_ms),
        last_used_at: record.last_used_ms.map(rfc3339),
        build_info: record.build.clone(),
        region_ids: Some(vec![super::REGION.to_owned()]),
        source_sandbox_id: record.source_sandbox.clone(),
        sandbox_class: Some("container".to_owned()),
        ..Snapshot::default()
    }
}

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSnapshots>,
    Json(request): Json<CreateSnapshot>,
) -> Result<Answer<Snapshot>, Fault> {
    let record = made(&engine, caller.organization(), request).await?;
    Ok(Answer(describe(&record)))
}

async fn made(
    engine: &SharedEngine,
    organization: &str,
    request: CreateSnapshot,
) -> Result<SnapshotRecord, Fault> {
    check_name(&request.name)?;
    if request.gpu.unwrap_or(0) > 0 {
        return Err(Fault::bad_request("This engine has no GPUs."));
    }
    if engine.snapshots.made_by(organization).len() >= MOST {
        return Err(Fault::bad_request(format!(
            "An organization keeps up to {MOST} snapshots. Delete one first."
        )));
    }
    let asked = Size::asked(request.cpu, request.memory, request.disk)?;
    let made = match (&request.build_info, &request.image_name) {
        (Some(_), Some(_)) => {
            return Err(Fault::bad_request(
                "Cannot specify both an image name and build info",
            ));
        }
        (Some(build), None) => origin::of_build(engine, organization, build, asked.spec())?,
        (None, Some(image)) => origin::of_image(engine, organization, image)?,
        (None, None) => return Err(Fault::bad_request("Give an imageName or a buildInfo")),
    };
    let size = asked.or(made.size);
    let Made {
        mut origin,
        planned,
        build,
        ..
    } = made;
    if let Some(entrypoint) = request.entrypoint {
        origin.start.entrypoint = entrypoint;
    }
    let seed = origin.seed.clone();
    let record = SnapshotRecord {
        image_name: request.image_name,
        build,
        ..SnapshotRecord::new(organization, &request.name, origin, size)
    };
    match (planned, seed) {
        (Some(planned), _) => {
            let record = SnapshotRecord {
                state: SnapshotState::Pending,
                ..record
            };
            lifecycle::snapshot_built(engine, record.clone(), planned)?;
            Ok(record)
        }
        (None, Some(seed)) => lifecycle::snapshot_of_files(engine, record, &seed).await,
        (None, None) => {
            engine.snapshots.add(record.clone())?;
            Ok(record)
        }
    }
}

/// A snapshot's name, checked.
pub(super) fn check_name(name: &str) -> Result<(), Fault> {
    let odd = |letter: char| letter.is_control() || letter.is_whitespace();
    if name.is_empty() || name.len() > 255 || name.starts_with('/') || name.chars().any(odd) {
        return Err(Fault::bad_request(
            "A snapshot's name has 1 to 255 letters, no spaces, and does not begin with a slash.",
        ));
    }
    Ok(())
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Answer<SnapshotPage>, Fault> {
    let all = engine.snapshots.of(caller.organization());
    Ok(Answer(page(all, &query)?))
}

/// The page that is asked for; those last used first, unless asked otherwise.
fn page(mut all: Vec<SnapshotRecord>, query: &[(String, String)]) -> Result<SnapshotPage, Fault> {
    let given = |key: &str| {
        query
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    };
    let number = |key: &str, default: usize, most: usize| match given(key) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| Fault::bad_request(format!("{key} must be a number between 1 and {most}"))),
    };
    let (page, limit) = (
        number("page", 1, 1_000_000)?,
        number("limit", PAGE, LONGEST_PAGE)?,
    );
    if let Some(part) = given("name") {
        let part = part.to_lowercase();
        all.retain(|record| record.name.to_lowercase().contains(&part));
    }
    if let Some(source) = given("sourceSandboxId") {
        all.retain(|record| record.source_sandbox.as_deref() == Some(source));
    }
    match given("sort").unwrap_or("lastUsedAt") {
        "name" => all.sort_by(|one, other| one.name.cmp(&other.name)),
        "state" => all.sort_by_key(|record| record.state.as_str()),
        "createdAt" => all.sort_by_key(|record| record.created_ms),
        _ => all.sort_by_key(|record| (record.last_used_ms, record.created_ms)),
    }
    if given("order").unwrap_or("desc") != "asc" {
        all.reverse();
    }
    let total = all.len();
    let items = all.iter().skip((page - 1).saturating_mul(limit)).take(limit);
    Ok(SnapshotPage {
        items: items.map(describe).collect(),
        total: total as u64,
        page: page as u64,
        total_pages: total.div_ceil(limit) as u64,
    })
}

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(snapshot): Path<String>,
) -> Result<Answer<Snapshot>, Fault> {
    Ok(Answer(describe(
        &engine.snapshots.show(caller.organization(), &snapshot)?,
    )))
}

/// One that may be changed: not a general one.
fn own(engine: &Engine, organization: &str, snapshot: &str) -> Result<SnapshotRecord, Fault> {
    let record = engine.snapshots.show(organization, snapshot)?;
    if record.is_general() {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            format!(
                "The snapshot {} is the engine's own and cannot be changed.",
                record.name
            ),
        ));
    }
    Ok(record)
}

pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::DeleteSnapshots>,
    Path(snapshot): Path<String>,
) -> Result<StatusCode, Fault> {
    let record = own(&engine, caller.organization(), &snapshot)?;
    if record.state == SnapshotState::Snapshotting {
        return Err(Fault::conflict("Snapshot is being made; wait until it is there"));
    }
    let id = record.id;
    let remover = engine.clone();
    let removed = tokio::task::spawn_blocking(move || {
        remover.snapshots.remove(&id);
        remover.builds.logs.remove(&id);
    });
    removed
        .await
        .map_err(|error| Fault::internal(format!("The snapshot could not be removed: {error}.")))?;
    Ok(StatusCode::OK)
}

pub(super) async fn activate(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSnapshots>,
    Path(snapshot): Path<String>,
) -> Result<Answer<Snapshot>, Fault> {
    let record = own(&engine, caller.organization(), &snapshot)?;
    let record = set_active(&engine, &record, SnapshotState::Inactive, SnapshotState::Active)?;
    Ok(Answer(describe(&record)))
}

pub(super) async fn deactivate(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSnapshots>,
    Path(snapshot): Path<String>,
) -> Result<StatusCode, Fault> {
    let record = own(&engine, caller.organization(), &snapshot)?;
    set_active(&engine, &record, SnapshotState::Active, SnapshotState::Inactive)?;
    Ok(StatusCode::NO_CONTENT)
}

fn set_active(
    engine: &Engine,
    record: &SnapshotRecord,
    from: SnapshotState,
    to: SnapshotState,
) -> Result<SnapshotRecord, Fault> {
    if record.state != from && record.state != to {
        return Err(Fault::bad_request(format!(
            "Snapshot {} is {}",
            record.name,
            record.state.as_str()
        )));
    }
    engine
        .snapshots
        .update(&record.id, |record| record.state = to)
        .ok_or_else(|| Fault::not_found(format!("Snapshot with ID or name {} not found", record.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::Origin;

    fn names(query: &[(&str, &str)]) -> (Vec<String>, u64) {
        let all = ["a", "b", "c"]
            .iter()
            .enumerate()
            .map(|(number, name)| SnapshotRecord {
                created_ms: i64::try_from(number).unwrap(),
                ..SnapshotRecord::new("red", name, Origin::default(), (1, 1, 1))
            });
        let query: Vec<_> = query
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect();
        let page = page(all.collect(), &query).unwrap();
        (
            page.items.into_iter().map(|item| item.name).collect(),
            page.total_pages,
        )
    }

    #[test]
    fn pages_are_cut_from_the_sorted_list() {
        assert_eq!(names(&[]), (vec!["c".into(), "b".into(), "a".into()], 1));
        assert_eq!(
            names(&[("sort", "name"), ("order", "asc"), ("limit", "2")]),
            (vec!["a".into(), "b".into()], 2)
        );
        assert_eq!(names(&[("limit", "2"), ("page", "2")]), (vec!["a".into()], 2));
        assert_eq!(names(&[("page", "9")]).0.len(), 0);
        assert_eq!(names(&[("name", "B")]).0, ["b"]);
        for odd in [("limit", "0"), ("limit", "201"), ("page", "0"), ("page", "x")] {
            assert!(
                page(Vec::new(), &[(odd.0.into(), odd.1.into())]).is_err(),
                "{odd:?}"
            );
        }
    }

    #[test]
    fn odd_names_are_refused() {
        for odd in ["", "a b", "/a", "a\n", &"x".repeat(256)] {
            assert!(check_name(odd).is_err(), "{odd:?}");
        }
        assert!(check_name("me/python:3.12").is_ok());
    }
}
