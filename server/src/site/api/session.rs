//! `GET /api/session`: who asks. It is how a page tells "signed out" from
//! "server gone", and how a program tries its token.

use super::super::permission::{Can, Read};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct Who {
    /// The name of the account.
    name: String,
}

/// Who asks
#[utoipa::path(get, path = "/api/session", tag = "Tokens", operation_id = "get_session",
    responses((status = 200, body = Who)))]
pub async fn who(can: Can<Read>) -> Json<Who> {
    Json(Who { name: can.user.name })
}
