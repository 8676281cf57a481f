//! `/warm-pools`: how many sandboxes of a snapshot stand ready before they are
//! asked for. A sandbox made from the snapshot is one of them, whether it keeps
//! its home or not; files of the snapshot's own are put into it when it is
//! handed out.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{CreateWarmPool, DesiredState, Sandbox, SandboxState, UpdateWarmPool, WarmPool};

use super::present::Base;
use super::{REGION, origin};
use crate::body::Json;
use crate::clock::rfc3339;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::sandbox::USER;
use crate::state::SharedEngine;
use crate::warm_pools::Pool;

pub(super) async fn list(State(engine): State<SharedEngine>, caller: Caller) -> Answer<Vec<WarmPool>> {
    let pools = engine.warm_pools.of(caller.organization());
    Answer(pools.into_iter().map(|pool| describe(&engine, pool)).collect())
}

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    Json(request): Json<CreateWarmPool>,
) -> Result<(StatusCode, Answer<WarmPool>), Fault> {
    let organization = caller.organization();
    let target = request.target.unwrap_or_else(|| REGION.to_owned());
    let made = origin::of_snapshot(&engine, organization, Some(&request.snapshot))?;
    if request.pool == 0 {
        return Err(Fault::bad_request("pool must be at least 1"));
    }
    let (snapshot, _) = made
        .snapshot
        .ok_or_else(|| Fault::bad_request("A warm pool is of a snapshot."))?;
    let pool = Pool::new(
        organization,
        snapshot,
        target,
        request.pool,
        &made.origin,
        made.size,
    );
    engine.warm_pools.add(&engine, pool.clone())?;
    Ok((StatusCode::CREATED, Answer(describe(&engine, pool))))
}

pub(super) async fn update(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    Path(pool): Path<String>,
    Json(request): Json<UpdateWarmPool>,
) -> Result<Answer<WarmPool>, Fault> {
    let pool = engine.warm_pools.find(caller.organization(), &pool)?;
    let pool = engine.warm_pools.resize(&engine, &pool, request.pool)?;
    Ok(Answer(describe(&engine, pool)))
}

pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::DeleteSandboxes>,
    Path(pool): Path<String>,
) -> Result<StatusCode, Fault> {
    let pool = engine.warm_pools.find(caller.organization(), &pool)?;
    engine.warm_pools.remove(&engine, &pool);
    Ok(StatusCode::NO_CONTENT)
}

/// What stands ready in an organization's pools and is nobody's sandbox yet, as
/// a list shows it when it is asked to (`includeWarm`). Who gets one gets it
/// under another id.
pub(super) fn unclaimed(engine: &SharedEngine, organization: &str, base: &Base) -> Vec<Sandbox> {
    let mut all = Vec::new();
    for pool in engine.warm_pools.of(organization) {
        for (id, since_ms) in engine.host.ready(&pool.id).waiting {
            all.push(Sandbox {
                name: id.clone(),
                id,
                organization_id: pool.organization.clone(),
                snapshot: Some(pool.snapshot.clone()),
                user: USER.to_owned(),
                target: pool.target.clone(),
                cpu: pool.cpu,
                memory: pool.memory,
                disk: pool.disk,
                state: Some(SandboxState::Started),
                desired_state: Some(DesiredState::Started),
                recoverable: Some(false),
                warm_pool_id: Some(pool.id.clone()),
                created_at: Some(rfc3339(since_ms)),
                updated_at: Some(rfc3339(since_ms)),
                last_activity_at: Some(rfc3339(since_ms)),
                sandbox_class: Some("container".to_owned()),
                runner_id: Some(REGION.to_owned()),
                toolbox_proxy_url: base.toolbox(),
                ..Sandbox::default()
            });
        }
    }
    all
}

fn describe(engine: &SharedEngine, pool: Pool) -> WarmPool {
    let ready = engine.host.ready(&pool.id);
    let is_gone = engine
        .snapshots
        .find(&pool.organization, &pool.snapshot)
        .is_none();
    let gone = is_gone.then(|| format!("Snapshot {} was deleted", pool.snapshot));
    WarmPool {
        organization_id: pool.organization,
        snapshot: pool.snapshot,
        target: pool.target,
        pool: pool.size.into(),
        current_size: ready.count as f64,
        cpu: pool.cpu.into(),
        mem: pool.memory.into(),
        disk: pool.disk.into(),
        os_user: USER.to_owned(),
        env: Default::default(),
        error_reason: gone.or(ready.trouble),
        created_at: rfc3339(pool.created_ms),
        updated_at: rfc3339(pool.updated_ms),
        id: pool.id,
    }
}
