//! `GET /api/runs/{id}`: where a run stands.

use super::{
    super::{
        Site,
        permission::{Can, Read},
        refusal::Refusal,
    },
    answer::Answer,
};
use axum::{
    Json,
    extract::{Path, State},
};
use model::RunId;

/// What a run came to
///
/// As `execute` tells it, without the output.
#[utoipa::path(get, path = "/api/runs/{id}", tag = "Runs", operation_id = "get_execution",
    params(("id" = RunId, Path, description = "Its id")), responses((status = 200, body = Answer)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<Answer>, Refusal> {
    let run = can.run(&site, &RunId::parse(&id)?).await?;
    Ok(Json(Answer::of(run)))
}
