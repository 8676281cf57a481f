//! `/regions`: where sandboxes can live. An engine is one region: this machine.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::Region;
use serde_json::{Value, json};

use super::REGION;
use super::create::{MOST_CPU, MOST_DISK, MOST_MEMORY};
use super::organizations::describe as describe_organization;
use super::present::Base;
use super::usage::Machine;
use crate::clock::{self, rfc3339};
use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

/// The one there is; made when the data directory was begun.
fn here(engine: &SharedEngine, base: &Base) -> Region {
    let since = rfc3339(engine.identity.begun_ms());
    Region {
        id: REGION.to_owned(),
        name: REGION.to_owned(),
        region_type: "shared".to_owned(),
        created_at: since.clone(),
        updated_at: since,
        proxy_url: Some(base.toolbox()),
        ..Region::default()
    }
}

pub(super) async fn list(State(engine): State<SharedEngine>, _: Caller, base: Base) -> Answer<[Region; 1]> {
    Answer([here(&engine, &base)])
}

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    _: Caller,
    base: Base,
    Path(region): Path<String>,
) -> Result<Answer<Region>, Fault> {
    if region != REGION {
        return Err(Fault::not_found(format!("Region with ID {region} not found")));
    }
    Ok(Answer(here(&engine, &base)))
}

/// `GET /organizations/{id}/available-sandbox-classes`.
pub(super) async fn sandbox_classes(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(organization): Path<String>,
) -> Result<Answer<Value>, Fault> {
    engine.identity.organization(&caller, &organization)?;
    Ok(Answer(json!([
        {"regionId": REGION, "sandboxClass": "container", "gpuAvailable": false, "allowedGpuTypes": []},
    ])))
}

/// `GET /organizations/{id}/gpu-capacity`: sandboxes get no GPUs here.
pub(super) async fn gpu_capacity(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(organization): Path<String>,
) -> Result<Answer<Value>, Fault> {
    engine.identity.organization(&caller, &organization)?;
    Ok(Answer(
        json!({"observedAt": rfc3339(clock::now_ms()), "capacity": []}),
    ))
}

/// `GET /sandbox/{id}/region-quota`: what its organization may take here, which
/// is what the machine has.
pub(super) async fn quota(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<Answer<Value>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let machine = Machine::look(&engine);
    Ok(Answer(json!({
        "organizationId": entry.organization,
        "regionId": REGION,
        "sandboxClass": "container",
        "totalCpuQuota": machine.cpu,
        "totalMemoryQuota": machine.memory,
        "totalDiskQuota": machine.disk,
        "totalGpuQuota": 0,
        "maxCpuPerSandbox": MOST_CPU,
        "maxMemoryPerSandbox": MOST_MEMORY,
        "maxDiskPerSandbox": MOST_DISK,
        "maxDiskPerNonEphemeralSandbox": null,
        "maxCpuPerGpu": null,
        "maxMemoryPerGpu": null,
        "maxDiskPerGpu": null,
        "maxSandboxLifespan": null,
    })))
}

/// `GET /sandbox/{id}/organization`.
pub(super) async fn organization(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
) -> Result<Answer<daytona::Organization>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let found = engine.identity.organization(&caller, &entry.organization)?;
    Ok(Answer(describe_organization(&engine, found)))
}
