//! `PUT /sandbox/{idOrName}/labels`.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::SandboxLabels;

use crate::body::Json;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::state::SharedEngine;

pub(super) async fn replace(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    Path(sandbox): Path<String>,
    Json(request): Json<SandboxLabels>,
) -> Result<Answer<SandboxLabels>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    entry.update(|record| record.labels.clone_from(&request.labels));
    Ok(Answer(request))
}
