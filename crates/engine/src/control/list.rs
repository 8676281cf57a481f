//! `GET /sandbox` and `GET /sandbox/{idOrName}`.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::{Sandbox, SandboxPage};

use super::present::{Base, describe};
use super::wanted::Wanted;
use crate::body::Query;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Answer<SandboxPage>, Fault> {
    let wanted = Wanted::read(query)?;
    let all = engine.registry.of(caller.organization());
    let all = all.iter().map(|entry| describe(entry, &base)).collect();
    Ok(Answer(wanted.page(all)))
}
