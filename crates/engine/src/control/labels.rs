//! `PUT /sandbox/{idOrName}/labels`.

use axum::Json as Answer;
use daytona::SandboxLabels;

use super::asked::Asked;
use crate::body::Json;
use crate::identity::{Can, permit};

pub(super) async fn replace(
    sandbox: Asked<Can<permit::WriteSandboxes>>,
    Json(request): Json<SandboxLabels>,
) -> Answer<SandboxLabels> {
    sandbox.update(|record| record.labels.clone_from(&request.labels));
    Answer(request)
}
