//! Reading requests: JSON bodies and queries, with refusals in Daytona's words.
//!
//! The content type of a body is not looked at: Daytona's SDKs send JSON under
//! several names, and form headers on requests without a body.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use daytona::codes;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// The most bytes of a JSON body: commands and programs, not files.
const LIMIT: usize = 16 << 20;

/// A JSON body.
pub(crate) struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let bytes = axum::body::to_bytes(request.into_body(), LIMIT)
            .await
            .map_err(|_| {
                Fault::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "The request body could not be read, or is larger than 16 MiB.",
                )
            })?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            Fault::bad_request(format!("The request body is not what this call takes: {error}."))
                .code(codes::INVALID_REQUEST_BODY)
        })
    }
}

/// The query of the address.
pub(crate) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| Fault::bad_request(error.body_text()))
    }
}
