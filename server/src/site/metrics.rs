//! `GET /metrics`, who may read it, and the counting of answers.
//!
//! The figures are of the whole instance, so they are for whoever runs it: a
//! program on this machine, or one with the token of an owner of the instance. Behind a proxy everybody comes from this machine or its
//! network, so there the token is needed, or the address of its own that
//! `PITLANE_METRICS_ADDR` opens for nothing but this.

use super::{
    Site,
    credential::{self, Credential},
    guard, health,
    refusal::Refusal,
};
use app::ErrorCode;
use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing,
};
use http::{Extensions, HeaderMap, header};
use model::{InstanceRole, Permission};
use std::{net::SocketAddr, time::Instant};

/// What proxies add to requests they pass on.
const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// The handler on the site's own address.
pub async fn show(State(site): State<Site>, extensions: Extensions, headers: HeaderMap) -> Response {
    match check(&site, &extensions, &headers).await {
        Ok(()) => text(&site),
        Err(refusal) => refusal.into_response(),
    }
}

/// What is served at an address of its own: the figures, and how the server is. For everybody who comes there.
pub fn alone(site: Site) -> Router {
    Router::new()
        .route(
            "/metrics",
            routing::get(|State(site): State<Site>| async move { text(&site) }),
        )
        .route("/healthz", routing::get(health::healthz))
        .route("/readyz", routing::get(health::readyz))
        .with_state(site)
}

/// Counts an answer when its head is there; what is streamed goes on behind it.
pub async fn count(State(site): State<Site>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
    site.observed
        .metrics
        .answered(route, &method, response.status(), began.elapsed());
    response
}

fn text(site: &Site) -> Response {
    let figures = site.services.runs.figures();
    let streams = site.pressure.streams.inside();
    let observed = &site.observed;
    match observed.metrics.text(&figures, streams, &observed.readiness) {
        Ok(text) => ([(header::CONTENT_TYPE, crate::metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => Refusal::internal(&error).into_response(),
    }
}

async fn check(site: &Site, extensions: &Extensions, headers: &HeaderMap) -> Result<(), Refusal> {
    if let Some(token) = credential::token(headers) {
        let (who, credential) = guard::token_viewer(site, &token).await?;
        let may = matches!(&credential, Credential::Token(token) if token.scopes.contains(&Permission::Read))
            && who.user.role == InstanceRole::Owner;
        return if may { Ok(()) } else { Err(refused()) };
    }
    if is_from_here(site, extensions, headers) {
        Ok(())
    } else {
        Err(refused())
    }
}

fn refused() -> Refusal {
    Refusal::new(
        ErrorCode::Forbidden,
        "The figures of this instance are for programs on its machine, or with a token that may read, of an owner of the instance. PITLANE_METRICS_ADDR opens an address for them alone.",
    )
}

/// Whether a program on this machine asks, and no proxy for somebody else.
fn is_from_here(site: &Site, extensions: &Extensions, headers: &HeaderMap) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        && !site.hosts.is_behind_proxy()
        && OF_PROXIES.iter().all(|name| !headers.contains_key(*name))
}
