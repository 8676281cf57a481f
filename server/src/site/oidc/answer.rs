//! Asking the provider over HTTP, through our own client: no redirects, so that
//! nothing it says leads elsewhere, and no answer that takes too long or too
//! much memory.

use openidconnect::{HttpRequest, HttpResponse};
use std::time::Duration;

/// How long the provider may take for one answer.
const WITHIN: Duration = Duration::from_secs(10);
/// The most of an answer that is read, in bytes.
const MOST: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It cannot be reached, or did not answer in time.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// It has no end.
    #[error("the answer is longer than {MOST} bytes")]
    TooLong,
    /// It is none of HTTP.
    #[error("{0}")]
    Malformed(#[from] http::Error),
}

/// The client.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("pitlane/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(WITHIN)
        .timeout(WITHIN)
        .build()
}

/// Asks.
///
/// # Errors
/// When there is no answer, or none that can be used.
pub async fn ask(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
    let (parts, body) = request.into_parts();
    let mut answer = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .send()
        .await?;
    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if bytes.len() + piece.len() > MOST {
            return Err(NoAnswer::TooLong);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(response.body(bytes)?)
}
