//! `DELETE /sandbox/{idOrName}`: answered when nothing of it is left.

use axum::Json as Answer;
use daytona::Sandbox;

use super::asked::Asked;
use super::copies::forks_of;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::lifecycle;

pub(super) async fn delete(sandbox: Asked<Can<permit::DeleteSandboxes>>) -> Result<Answer<Sandbox>, Fault> {
    if !forks_of(&sandbox.engine, &sandbox).is_empty() {
        return Err(Fault::bad_request(
            "Sandbox has active forks and cannot be deleted. Delete its forks first.",
        ));
    }
    lifecycle::destroy(&sandbox.engine, &sandbox).await?;
    Ok(sandbox.shown())
}
