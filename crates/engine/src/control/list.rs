//! `GET /sandbox` and `GET /sandbox/{idOrName}`.

use axum::Json as Answer;
use axum::extract::State;
use daytona::{Sandbox, SandboxPage};

use super::asked::Asked;
use super::present::{Base, describe};
use super::wanted::Wanted;
use super::warm_pools;
use crate::body::Query;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

pub(super) async fn show(sandbox: Asked<Caller>) -> Answer<Sandbox> {
    sandbox.shown()
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Answer<SandboxPage>, Fault> {
    let wanted = Wanted::read(query)?;
    let all = engine.registry.of(caller.organization());
    let mut all: Vec<Sandbox> = all.iter().map(|entry| describe(entry, &base)).collect();
    if wanted.wants_warm() {
        all.extend(warm_pools::unclaimed(&engine, caller.organization(), &base));
    }
    Ok(Answer(wanted.page(all)))
}
