//! `DELETE /sandbox/{idOrName}`: answered when nothing of it is left.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::Sandbox;

use super::copies::forks_of;
use super::present::{Base, describe};
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::lifecycle;
use crate::state::SharedEngine;

pub(super) async fn delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::DeleteSandboxes>,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    if !forks_of(&engine, &entry).is_empty() {
        return Err(Fault::bad_request(
            "Sandbox has active forks and cannot be deleted. Delete its forks first.",
        ));
    }
    lifecycle::destroy(&engine, &entry).await?;
    Ok(Answer(describe(&entry, &base)))
}
