//! Volumes: made, listed, deleted.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{CreateVolume, Volume, VolumeState};

use crate::body::Json;
use crate::clock::rfc3339;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::leftovers;
use crate::state::SharedEngine;
use crate::volumes::VolumeRecord;

/// The most an organization may have, as at Daytona.
pub(super) const MOST: usize = 100;

/// A volume as the API shows it.
pub(crate) fn describe(record: &VolumeRecord, state: VolumeState) -> Volume {
    Volume {
        id: record.id.clone(),
        name: record.name.clone(),
        organization_id: record.organization.clone(),
        state,
        created_at: rfc3339(record.created_ms),
        updated_at: rfc3339(record.updated_ms),
        last_used_at: record.last_used_ms.map(rfc3339),
        error_reason: None,
    }
}

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteVolumes>,
    Json(request): Json<CreateVolume>,
) -> Result<Answer<Volume>, Fault> {
    let name = request.name;
    if name.is_empty() || name.len() > 255 || name.chars().any(|letter| letter == '/' || letter.is_control())
    {
        return Err(Fault::bad_request(
            "A volume's name has 1 to 255 letters and no slash.",
        ));
    }
    if engine.volumes.of(caller.organization()).len() >= MOST {
        return Err(Fault::bad_request(format!(
            "An organization has up to {MOST} volumes. Delete one first."
        )));
    }
    let record = engine.volumes.create(caller.organization(), &name)?;
    Ok(Answer(describe(&record, VolumeState::Ready)))
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ReadVolumes>,
) -> Answer<Vec<Volume>> {
    let all = engine.volumes.of(caller.organization());
    Answer(
        all.iter()
            .map(|record| describe(record, VolumeState::Ready))
            .collect(),
    )
}

/// By id, and by name: both calls end here.
pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Can<permit::ReadVolumes>,
    Path(volume): Path<String>,
) -> Result<Answer<Volume>, Fault> {
    let record = engine.volumes.show(caller.organization(), &volume)?;
    Ok(Answer(describe(&record, VolumeState::Ready)))
}

pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::DeleteVolumes>,
    Path(volume): Path<String>,
) -> Result<StatusCode, Fault> {
    let record = engine.volumes.show(caller.organization(), &volume)?;
    let is_used = || {
        let shows = |entry: &std::sync::Arc<crate::registry::Entry>| {
            let record_of = entry.record();
            record_of
                .volumes
                .iter()
                .any(|volume| volume.volume_id == record.id)
        };
        engine.registry.list().iter().any(shows)
    };
    if !engine.volumes.forget_unless(&record.id, is_used) {
        return Err(Fault::conflict(format!(
            "Volume {} cannot be deleted because it is in use by one or more sandboxes",
            record.name
        )));
    }
    let folder = engine.volumes.folder(&record.id);
    let removed = tokio::task::spawn_blocking(move || leftovers::remove(&folder)).await;
    removed.map_err(|error| Fault::internal(format!("The volume's files could not be removed: {error}.")))?;
    Ok(StatusCode::OK)
}
