//! How a request is refused: the status, and a JSON body that is the same as
//! the server functions' error. For the API, `problem` makes a problem document
//! of it.

use app::{ErrorCode, UiError};
use axum::{
    extract::ws::rejection::WebSocketUpgradeRejection,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

/// When a start may be tried again that found the line full, in seconds.
const LINE_FULL_WAIT: u64 = 5;
/// When somebody who has as much as they may have is to come again, in seconds.
const TOO_MANY_WAIT: u64 = 60;

/// A refused request.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: UiError,
    /// The kind of problem and its title, where the status does not say it.
    kind: Option<(&'static str, &'static str)>,
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// Refused with the status that goes with the code.
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            error: UiError::new(code, sentence),
            kind: None,
            retry_after_seconds: None,
        }
    }

    /// Nobody is signed in.
    pub fn signed_out() -> Self {
        UiError::signed_out().into()
    }

    /// The token is none of ours, or no longer.
    pub fn bad_token() -> Self {
        Self::new(
            ErrorCode::SignedOut,
            "This token is not known: it was mistyped or revoked, or its time is over. Make another in the settings, or with `pitlane token create`.",
        )
    }

    /// The status it is refused with.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// There is no such agent.
    pub fn agent_not_found(error: store::StoreError) -> Self {
        let is_missing = matches!(error, store::StoreError::NotFound(_));
        Self {
            kind: is_missing.then_some(("urn:pitlane:agent-not-found", "Agent not found")),
            ..error.into()
        }
    }

    /// A condition of the request does not hold.
    pub fn precondition_failed(sentence: String) -> Self {
        Self {
            status: StatusCode::PRECONDITION_FAILED,
            ..Self::new(ErrorCode::Conflict, sentence)
        }
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

    /// A WebSocket was asked for as if it were a page.
    pub fn no_upgrade(rejection: WebSocketUpgradeRejection) -> Self {
        let sentence = format!(
            "This address is a WebSocket, and the request is no upgrade to one ({}). Connect with a WebSocket client.",
            rejection.body_text()
        );
        Self {
            status: StatusCode::UPGRADE_REQUIRED,
            ..Self::new(ErrorCode::Invalid, sentence)
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

/// What was refused, in the extensions of the answer.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The error.
    pub error: UiError,
    /// The kind of problem and its title, where the status does not say it.
    pub kind: Option<(&'static str, &'static str)>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            error: refusal.error,
            kind: refusal.kind,
        }
    }
}

impl Refused {
    /// What the framework says in a few words of its own, or in none.
    pub fn by_the_framework(status: StatusCode, text: String) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            status if status.is_client_error() => ErrorCode::Invalid,
            _ => ErrorCode::Internal,
        };
        let text = match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                "This address does not take this method. The header Allow names those it takes.".to_owned()
            }
            _ if text.is_empty() => {
                status
                    .canonical_reason()
                    .unwrap_or("The request failed")
                    .to_owned()
                    + "."
            }
            _ => text,
        };
        Self {
            error: UiError::new(code, text),
            kind: None,
        }
    }
}

impl From<UiError> for Refusal {
    fn from(error: UiError) -> Self {
        Self {
            status: error.code.status(),
            error,
            kind: None,
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
        match error {
            runs::RunsError::Busy(sentence) => Self::busy(sentence, LINE_FULL_WAIT),
            runs::RunsError::TooMany(sentence) => Self::too_many(sentence, TOO_MANY_WAIT),
            other => UiError::from(other).into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(&self.error)).into_response();
        let (status, retry_after_seconds) = (self.status, self.retry_after_seconds);
        response.extensions_mut().insert(Refused::from(self));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // RFC 9110, 15.5.22: which protocol it has to be.
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        if let Some(seconds) = retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
