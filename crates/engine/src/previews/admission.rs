//! Who may see a preview: everybody when the sandbox is public or the name is
//! signed, else who shows an API key of its organization or its preview token,
//! as bearer token, header, query or, after the query, a cookie of this host.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};

use super::host::Name;
use crate::auth;
use crate::fault::Fault;
use crate::proxy::credentials::{COOKIE, strip_query};
use crate::registry::Entry;
use crate::state::SharedEngine;
use crate::throttle::Peer;
use crate::tickets::Opens;

/// Seconds a cookie opens a preview.
const COOKIE_LASTS: u32 = 3600;

/// The sandbox that may be seen.
pub(super) struct Admitted {
    pub(super) entry: Arc<Entry>,
    /// Whether its key came in the query, so that a cookie is to follow.
    pub(super) by_query: bool,
}

/// The sandbox of a preview, when the request may see it.
pub(super) fn admit(engine: &SharedEngine, name: &Name, request: &Request) -> Result<Admitted, Fault> {
    if let Some(entry) = engine.tickets.find(&name.target, Opens::Port(name.port)) {
        return Ok(Admitted {
            entry,
            by_query: false,
        });
    }
    let unknown = || {
        Fault::not_found("There is no preview at this address, or its time is over. Ask for a new address.")
    };
    let entry = engine.registry.by_id(&name.target).ok_or_else(unknown)?;
    let peer = Peer::of(request.extensions());
    let opens = |key: &String| auth::opens_to(engine, &peer, &entry, key);
    let query = auth::key_in_query(request.uri().query());
    let by_query = query.as_ref().is_some_and(opens);
    let by_headers = || auth::keys_in_headers(request.headers()).iter().any(opens);
    if by_query || entry.record().public || by_headers() || has_cookie(&entry, request) {
        return Ok(Admitted { entry, by_query });
    }
    Err(Fault::new(
        StatusCode::UNAUTHORIZED,
        "This preview is private. Open its signed address, or send its token in the header X-Daytona-Preview-Token.",
    ))
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// A cookie opens a preview to its own pages and to people who follow a link,
/// but not to pages of others, such as another sandbox's: browsers send it
/// along for those too.
fn has_cookie(entry: &Entry, request: &Request) -> bool {
    let own = header(request, "host").unwrap_or_default();
    let from_elsewhere = header(request, "origin").is_some_and(|origin| {
        origin
            .split_once("://")
            .is_none_or(|(_, host)| !host.eq_ignore_ascii_case(own))
    });
    let navigates = header(request, "sec-fetch-mode") == Some("navigate");
    let by_others = matches!(
        header(request, "sec-fetch-site"),
        Some("cross-site" | "same-site")
    );
    if from_elsewhere || (by_others && !navigates) {
        return false;
    }
    let cookies = request.headers().get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.split_once('='))
        .any(|(id, token)| id == entry.id && entry.admits(token))
}

/// The cookie that opens the preview without the query.
pub(super) fn cookie(entry: &Entry, request: &Request) -> Option<HeaderValue> {
    let secure = match header(request, "x-forwarded-proto") {
        Some("https") => "; Secure",
        _ => "",
    };
    let (id, token) = (&entry.id, entry.preview_token());
    let token = token.as_str();
    let cookie =
        format!("{COOKIE}{id}={token}; Path=/; Max-Age={COOKIE_LASTS}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).ok()
}

/// For a person who opened the page: its address without the key, so that the
/// page's own program does not find the key in its address.
pub(super) fn without_key(request: &Request) -> Option<HeaderValue> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let navigates = match header(request, "sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => header(request, "accept").is_some_and(|accept| accept.contains("text/html")),
    };
    if !reads || !navigates {
        return None;
    }
    let scheme = match header(request, "x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let query = strip_query(request.uri().query()).map_or_else(String::new, |query| format!("?{query}"));
    // Whole, because a path may begin with two slashes.
    let clean = format!(
        "{scheme}://{}{}{query}",
        header(request, "host")?,
        request.uri().path()
    );
    HeaderValue::try_from(clean).ok()
}
