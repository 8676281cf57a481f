//! From a request to who asks.
//!
//! Daytona's clients send their key as a bearer token to the control plane and to the
//! toolbox alike; from browsers, where a WebSocket carries no headers, as a
//! query. Health is open, so that a supervisor needs no key.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::fault::Fault;
use crate::identity::Caller;
use crate::registry::Entry;
use crate::state::SharedEngine;
use crate::throttle::Peer;

fn is_open(path: &str) -> bool {
    matches!(
        path,
        "/api/health" | "/api/health/ready" | "/api/config"
        // Listeners say who they are in their first packet.
        | "/api/socket.io" | "/api/socket.io/"
    )
}

/// What a request shows, in the order in which Daytona's proxy looks: bearer
/// token, header, query.
fn offered(headers: &HeaderMap, query: Option<&str>) -> Vec<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let mut found: Vec<String> = bearer
        .into_iter()
        .chain(text("x-daytona-preview-token"))
        .map(ToOwned::to_owned)
        .collect();
    let pairs = query
        .and_then(|query| format!("/?{query}").parse().ok())
        .and_then(|uri| axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
    let key = pairs.and_then(|pairs| {
        let mut pairs = pairs.0.into_iter();
        pairs.find_map(|(name, value)| (name == "DAYTONA_SANDBOX_AUTH_KEY").then_some(value))
    });
    found.extend(key);
    found
}

/// The refusal of a request that shows nothing that is valid.
pub(crate) fn refused() -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, "Invalid credentials").by_proxy()
}

/// Whether a token opens something here.
pub(crate) fn opens(engine: &SharedEngine, _entry: &Entry, token: &str) -> bool {
    engine.identity.caller(token).is_some()
}

/// Who shows one of these. A key that could be guessed is not believed from
/// where many wrong ones came.
pub(crate) fn caller<'a>(
    engine: &SharedEngine,
    peer: &Peer,
    mut shown: impl Iterator<Item = &'a str>,
) -> Option<Caller> {
    let caller = shown.find_map(|key| engine.identity.caller(key))?;
    let believed = caller.key().is_strong() || !engine.throttle.is_guessing(peer);
    believed.then_some(caller)
}

/// The layer before all routes: a valid key becomes the request's [`Caller`],
/// which handlers take from it. Without one only the open routes are reached,
/// and the toolboxes, where [`sandbox_of`] decides.
pub(crate) async fn identify(
    State(engine): State<SharedEngine>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = offered(request.headers(), request.uri().query());
    let path = request.uri().path();
    if let Some(caller) = caller(&engine, &peer, shown.iter().map(String::as_str)) {
        engine.seen();
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    let response = if is_open(path) || path.starts_with("/toolbox/") {
        next.run(request).await
    } else {
        refused().into_response()
    };
    if !Fault::is_ours(&response, StatusCode::UNAUTHORIZED) {
        return response;
    }
    engine.throttle.failed(&peer).unwrap_or(response)
}

/// The sandbox a request to a toolbox may use: with a key, one of the key's
/// organization. The one place where something that opens a single sandbox and
/// no more can be accepted instead of a key.
pub(crate) fn sandbox_of(
    engine: &SharedEngine,
    request: &Request,
    id_or_name: &str,
) -> Result<Arc<Entry>, Fault> {
    let caller = request.extensions().get::<Caller>().ok_or_else(refused)?;
    engine.registry.find(caller, id_or_name).map_err(Fault::by_proxy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn what_is_shown_is_found_in_headers_and_query_in_order() {
        let mut headers = HeaderMap::new();
        assert!(offered(&headers, None).is_empty());
        let query = Some("follow=true&DAYTONA_SANDBOX_AUTH_KEY=k%201");
        assert_eq!(offered(&headers, query), ["k 1"]);
        headers.insert("x-daytona-preview-token", HeaderValue::from_static("t"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert_eq!(offered(&headers, query), ["abc", "t", "k 1"]);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert_eq!(offered(&headers, Some("%")), ["t"]);
    }
}
