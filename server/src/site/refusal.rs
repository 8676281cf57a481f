//! How a request is refused: the status, and a JSON body that is the same as
//! the server functions' error, so that every client reads one shape.

use app::{ErrorCode, UiError};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// A refused request.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: UiError,
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// Refused with the status that goes with the code.
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            error: UiError::new(code, sentence),
            retry_after_seconds: None,
        }
    }

    /// Nobody is signed in.
    pub fn signed_out() -> Self {
        UiError::signed_out().into()
    }

    /// What was sent is too large.
    pub fn too_large(sentence: String) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..Self::new(ErrorCode::Invalid, sentence)
        }
    }

    /// What was sent took too long to come.
    pub fn too_slow(sentence: &str) -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            ..Self::new(ErrorCode::Unavailable, sentence)
        }
    }

    /// There is no room for it now.
    pub fn busy(sentence: String, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(ErrorCode::Unavailable, sentence)
        }
    }

    /// Too many tries.
    pub fn too_many(sentence: String, retry_after_seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(ErrorCode::Unavailable, sentence)
        }
    }

    /// A fault of ours: logged in full, told in general.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            ErrorCode::Internal,
            "Something went wrong on the server. Its log says what; try again.",
        )
    }
}

impl From<UiError> for Refusal {
    fn from(error: UiError) -> Self {
        Self {
            status: error.code.status(),
            error,
            retry_after_seconds: None,
        }
    }
}

impl From<model::Invalid> for Refusal {
    fn from(error: model::Invalid) -> Self {
        UiError::from(error).into()
    }
}

impl From<store::StoreError> for Refusal {
    fn from(error: store::StoreError) -> Self {
        UiError::from(error).into()
    }
}

impl From<runs::RunsError> for Refusal {
    fn from(error: runs::RunsError) -> Self {
        UiError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.error)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
