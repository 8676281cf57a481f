//! How the API tells what went wrong: always as a problem document (RFC 9457),
//! whoever refused, be it a handler, a layer before it, or the framework.

use super::{
    guard::is_api,
    refusal::{Refusal, Refused},
};
use app::ErrorCode;
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, response::Parts};
use serde::Serialize;
use utoipa::ToSchema;

/// The most that is read of a sentence that the framework wrote.
const MOST_SENTENCE: usize = 4096;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem; `about:blank` when the status says it all.
    r#type: &'static str,
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, why, and what to do.
    detail: String,
    /// The kind of error, for programs.
    #[schema(value_type = String, example = "not_found")]
    code: ErrorCode,
}

impl Problem {
    /// The document of a refusal that is told in another way than by an answer.
    pub fn of(refusal: Refusal) -> Self {
        let status = refusal.status();
        Self::new(status, refusal.into())
    }

    /// The document of what was refused.
    fn new(status: StatusCode, refused: Refused) -> Self {
        let (r#type, title) = refused
            .kind
            .unwrap_or(("about:blank", status.canonical_reason().unwrap_or("Error")));
        Self {
            r#type,
            title,
            status: status.as_u16(),
            detail: refused.error.text,
            code: refused.error.code,
        }
    }
}

/// Puts every refusal of the API into this form.
pub async fn tell(request: Request, next: Next) -> Response {
    let is_api = is_api(request.uri().path());
    let response = next.run(request).await;
    let is_refused = response.status().is_client_error() || response.status().is_server_error();
    if !(is_api && is_refused) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    match parts.extensions.remove::<Refused>() {
        Some(refused) => document(parts, refused),
        // An answer of its own, as the present version of a file that a save was not based on.
        None if is_json(&parts) => Response::from_parts(parts, body),
        None => {
            let text = to_bytes(body, MOST_SENTENCE).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let refused = Refused::by_the_framework(parts.status, text);
            document(parts, refused)
        }
    }
}

fn document(mut parts: Parts, refused: Refused) -> Response {
    let problem = Json(Problem::new(parts.status, refused)).into_response();
    parts.headers.remove(header::CONTENT_LENGTH);
    // What it was compressed as, further in, goes with the body that is replaced.
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if parts.status == StatusCode::UNAUTHORIZED {
        parts
            .headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, Body::new(problem.into_body()))
}

fn is_json(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"))
}
