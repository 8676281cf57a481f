//! Headers of requests and answers that are passed on.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Way;

/// Headers that concern one connection and not the message.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// The same, without a name of their own.
const HOP_BY_HOP_TOO: [&str; 2] = ["keep-alive", "proxy-connection"];

/// Says where the request came from.
pub(super) fn forwarded(parts: &mut Parts, way: Way) {
    let client = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|client| client.0.ip().to_string());
    let headers = &mut parts.headers;
    if let Some(client) = client {
        let earlier = headers
            .get("x-forwarded-for")
            .and_then(|value| value.to_str().ok());
        let all = earlier.map_or_else(|| client.clone(), |earlier| format!("{earlier}, {client}"));
        set(headers, "x-forwarded-for", &all);
    }
    if !headers.contains_key("x-forwarded-proto") {
        set(headers, "x-forwarded-proto", "http");
    }
    if let Some(host) = headers.get(header::HOST).cloned()
        && !headers.contains_key("x-forwarded-host")
    {
        headers.insert("x-forwarded-host", host);
    }
    if way == Way::Path
        && let Some(prefix) = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .and_then(|original| {
                original
                    .path()
                    .strip_suffix(parts.uri.path())
                    .map(ToOwned::to_owned)
            })
    {
        let rest = parts.uri.path().trim_start_matches("/proxy/");
        let port = rest.split('/').next().unwrap_or_default();
        let prefix = format!("{prefix}/proxy/{port}");
        set(headers, "x-forwarded-prefix", &prefix);
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The protocol the client wants to change to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    tokens(headers)
        .any(|token| token.eq_ignore_ascii_case("upgrade"))
        .then(|| headers.get(header::UPGRADE).cloned())
        .flatten()
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// Drops what concerns the connection it came by; an answer that changes the
/// protocol keeps the two headers that say so.
pub(super) fn clean(headers: &mut HeaderMap, switched: bool) {
    let upgrade = headers.get(header::UPGRADE).cloned().filter(|_| switched);
    let named: Vec<HeaderName> = tokens(headers)
        .filter_map(|name| HeaderName::try_from(name).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP_TOO {
        headers.remove(name);
    }
    if let Some(upgrade) = upgrade {
        headers.insert(header::UPGRADE, upgrade);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Keeps an answer that comes from the engine's own host from acting there in a
/// browser: it is shown as of no origin, and its cookies stay away from what
/// else this host has.
pub(super) fn disarm(headers: &mut HeaderMap) {
    headers.append(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox allow-forms allow-popups allow-scripts"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        if !super::credentials::is_ours(cookie.as_bytes()) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_a_connection_is_dropped() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Mine"),
            ("connection", "close"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("accept", "*/*"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(upgrade(&headers), None, "an upgrade nobody asked for is none");
        clean(&mut headers, false);
        assert_eq!(headers.len(), 1);
        assert!(headers.contains_key("accept"));
    }

    #[test]
    fn a_change_of_protocol_is_passed_on() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONNECTION,
            HeaderValue::from_static("keep-alive, Upgrade"),
        );
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        assert_eq!(upgrade(&headers).unwrap(), "websocket");
        clean(&mut headers, true);
        assert_eq!(headers[header::CONNECTION], "upgrade");
        assert_eq!(headers[header::UPGRADE], "websocket");
    }
}
