//! The error every server function answers with: a code for the program and a
//! sentence for the person. What the sentence says is written by us; the text
//! of a database's or a provider's error never reaches the browser by itself.

use serde::{Deserialize, Serialize};
use server_fn::{codec::JsonEncoding, error::FromServerFnError, error::ServerFnErrorErr};

/// What kind of error it is, as far as the site behaves differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Nobody is signed in, or no longer.
    SignedOut,
    /// The account may not do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// It collides with something that exists or goes on.
    Conflict,
    /// What was given cannot be used.
    Invalid,
    /// Something we need cannot be reached now; trying again may help.
    Unavailable,
    /// The server cannot be reached from this browser.
    Offline,
    /// This page was made by another version of the server.
    Outdated,
    /// Our own fault.
    Internal,
}

/// An error as the site shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UiError {
    /// What kind.
    pub code: ErrorCode,
    /// What happened, why, and what to do.
    pub text: String,
}

impl UiError {
    /// An error of this kind.
    #[must_use]
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn signed_out() -> Self {
        Self::new(
            ErrorCode::SignedOut,
            "You are signed out. Sign in again to go on.",
        )
    }
}

impl std::fmt::Display for UiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for UiError {}

impl From<model::Invalid> for UiError {
    fn from(error: model::Invalid) -> Self {
        Self::new(ErrorCode::Invalid, error.0)
    }
}

impl FromServerFnError for UiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(
                ErrorCode::Offline,
                "The server cannot be reached. Check that it runs and that this machine is connected; Pitlane tries again by itself.",
            ),
            ServerFnErrorErr::Deserialization(_) | ServerFnErrorErr::Registration(_) => Self::new(
                ErrorCode::Outdated,
                "This page is older than the server. Reload it to get the new version; what you typed is kept.",
            ),
            ServerFnErrorErr::Args(why) | ServerFnErrorErr::MissingArg(why) => Self::new(
                ErrorCode::Invalid,
                format!("The server could not read the request: {why}."),
            ),
            _ => Self::new(
                ErrorCode::Internal,
                "Something went wrong on the server. Its log says what; try again.",
            ),
        }
    }
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{ErrorCode, UiError};
    use http::StatusCode;

    impl ErrorCode {
        /// The HTTP status that goes with it.
        #[must_use]
        pub const fn status(self) -> StatusCode {
            match self {
                Self::SignedOut => StatusCode::UNAUTHORIZED,
                Self::Forbidden => StatusCode::FORBIDDEN,
                Self::NotFound => StatusCode::NOT_FOUND,
                Self::Conflict => StatusCode::CONFLICT,
                Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                Self::Unavailable | Self::Offline => StatusCode::SERVICE_UNAVAILABLE,
                Self::Outdated => StatusCode::BAD_REQUEST,
                Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }
    }

    impl UiError {
        /// Gives the answer that is being made this error's HTTP status.
        #[must_use]
        pub fn with_status(self) -> Self {
            if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
                response.set_status(self.code.status());
            }
            self
        }
    }
}
