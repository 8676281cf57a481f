//! Who may ask: one key, compared in constant time.
//!
//! Daytona's clients send it as a bearer token to the control plane and to the
//! toolbox alike; from browsers, where a WebSocket carries no headers, as a
//! query. Health is open, so that a supervisor needs no key.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::fault::Fault;
use crate::state::SharedEngine;

/// A key, kept as its hash: comparing hashes takes the same time whatever was
/// sent, also when the lengths differ.
#[derive(Clone, Debug)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    fn admits(&self, offered: &str) -> bool {
        self.0.ct_eq(&Self::of(offered).0).into()
    }
}

fn is_open(path: &str) -> bool {
    matches!(path, "/api/health" | "/api/health/ready" | "/api/config")
}

fn offered(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let preview = || {
        headers
            .get("x-daytona-preview-token")
            .and_then(|value| value.to_str().ok())
    };
    if let Some(token) = bearer.or_else(preview) {
        return Some(token.to_owned());
    }
    let pairs: Vec<(String, String)> =
        axum::extract::Query::try_from_uri(&format!("/?{}", query?).parse().ok()?)
            .ok()?
            .0;
    pairs
        .into_iter()
        .find_map(|(name, value)| (name == "DAYTONA_SANDBOX_AUTH_KEY").then_some(value))
}

/// The layer before all routes.
pub(crate) async fn require_key(
    State(engine): State<SharedEngine>,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let admitted = is_open(request.uri().path())
        || offered(request.headers(), request.uri().query()).is_some_and(|key| engine.key.admits(&key));
    if !admitted {
        return Err(Fault::new(StatusCode::UNAUTHORIZED, "Invalid credentials").by_proxy());
    }
    engine.seen();
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_the_key_is_admitted() {
        let key = KeyHash::of("dtn_one");
        assert!(key.admits("dtn_one"));
        for wrong in ["", "dtn_on", "dtn_onee", "DTN_ONE"] {
            assert!(!key.admits(wrong));
        }
    }

    #[test]
    fn a_key_is_found_in_header_and_query() {
        let mut headers = HeaderMap::new();
        assert_eq!(offered(&headers, None), None);
        let query = Some("follow=true&DAYTONA_SANDBOX_AUTH_KEY=k%201");
        assert_eq!(offered(&headers, query).as_deref(), Some("k 1"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert_eq!(offered(&headers, query).as_deref(), Some("abc"));
    }
}
