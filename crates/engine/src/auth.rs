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
use crate::proxy::credentials::{KEY_QUERY, TOKEN_HEADER};
use crate::registry::Entry;
use crate::signed_files;
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
    let mut found = keys_in_headers(headers);
    found.extend(key_in_query(query));
    found
}

/// What the headers show.
pub(crate) fn keys_in_headers(headers: &HeaderMap) -> Vec<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    bearer
        .into_iter()
        .chain(text(TOKEN_HEADER))
        .map(ToOwned::to_owned)
        .collect()
}

/// What the query shows.
pub(crate) fn key_in_query(query: Option<&str>) -> Option<String> {
    let uri = format!("/?{}", query?).parse().ok()?;
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
    let mut pairs = pairs.0.into_iter();
    pairs.find_map(|(name, value)| (name == KEY_QUERY).then_some(value))
}

/// The refusal of a request that shows nothing that is valid.
pub(crate) fn refused() -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, "Invalid credentials").by_proxy()
}

/// Whether a token opens this sandbox: its preview token, or a key of its
/// organization.
pub(crate) fn opens(engine: &SharedEngine, entry: &Entry, token: &str) -> bool {
    let caller = || engine.identity.caller(token);
    entry.admits(token) || caller().is_some_and(|caller| caller.organization() == entry.organization)
}

/// Whether a token opens this sandbox to a peer who may be guessing.
pub(crate) fn opens_to(engine: &SharedEngine, peer: &Peer, entry: &Entry, token: &str) -> bool {
    let caller = || caller(engine, peer, std::iter::once(token));
    entry.admits(token) || caller().is_some_and(|caller| caller.organization() == entry.organization)
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
/// no more is accepted instead of a key: its preview token, as at Daytona, and
/// signatures of its files.
pub(crate) fn sandbox_of(
    engine: &SharedEngine,
    request: &Request,
    id_or_name: &str,
) -> Result<Arc<Entry>, Fault> {
    let unseen = match request.extensions().get::<Caller>() {
        Some(caller) => match engine.registry.find(caller, id_or_name) {
            Ok(entry) => return Ok(entry),
            Err(fault) => fault.by_proxy(),
        },
        None => refused(),
    };
    let Some(entry) = engine.registry.by_id(id_or_name) else {
        return Err(unseen);
    };
    let shown = offered(request.headers(), request.uri().query());
    let admitted = shown.iter().any(|token| entry.admits(token))
        || signed_files::admits(&entry, request.method(), request.uri())?;
    if admitted { Ok(entry) } else { Err(unseen) }
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
