//! All routes, and the layers before them.

use super::{
    Site, api, assets, attempts, audit, events, files, guard, headers, health, hooks, hosts, metrics, oidc,
    pages, permission, pressure, problem, refusal::Refusal, session,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{self, MethodRouter},
};
use http::{Extensions, HeaderMap, StatusCode, Version, header};
use std::any::Any;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
    trace::TraceLayer,
};

/// The REST routes, each behind a permission: those of the document, and the site's own.
pub fn api_routes() -> Vec<(String, MethodRouter<Site>)> {
    let own: Vec<(&str, MethodRouter<Site>)> = vec![
        ("/api/events", permission::get(events::follow)),
        (
            "/api/agents/{id}/files/{*path}",
            permission::get(files::download).merge(permission::put(files::upload)),
        ),
    ];
    let own = own
        .into_iter()
        .map(|(path, handlers)| (path.to_owned(), handlers));
    own.chain(api::v1::routes()).collect()
}

/// The routes that are open to everybody. `hash` names the site's files of this build.
pub fn open_routes(hash: String) -> Vec<(&'static str, MethodRouter<Site>)> {
    vec![
        ("/healthz", routing::get(health::healthz)),
        ("/readyz", routing::get(health::readyz)),
        (hooks::PATH, routing::post(hooks::receive)),
        ("/metrics", routing::get(metrics::show)),
        (
            "/assets/{hash}/{*path}",
            routing::get(move |path, headers| async move { assets::serve(path, headers, &hash).await }),
        ),
    ]
}

/// The routes that lead to a session, so that everybody may take them: the guard knows them.
pub fn sign_in_routes() -> Vec<(&'static str, MethodRouter<Site>)> {
    vec![
        ("/oidc/start", routing::get(oidc::start)),
        ("/oidc/callback", routing::get(oidc::callback)),
    ]
}

/// Everything the site answers.
pub fn router(site: Site) -> Router {
    let mut signed_in = Router::new();
    for (path, handlers) in api_routes() {
        signed_in = signed_in.route(&path, handlers);
    }
    for (path, handlers) in sign_in_routes() {
        signed_in = signed_in.route(path, handlers);
    }
    let signed_in = pages::add(signed_in, &site)
        // The innermost first: what stands lower runs earlier.
        .layer(from_fn_with_state(site.clone(), audit::record))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(256).and(is_text_of_ours)))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(site.clone(), attempts::with_a_name))
        .layer(from_fn_with_state(site.clone(), pressure::check_sizes))
        .layer(from_fn_with_state(site.clone(), pressure::check_requests))
        .layer(from_fn_with_state(site.clone(), guard::check))
        .layer(session::layer(&site));
    let hash = site.assets.base.trim_start_matches("/assets/").to_owned();
    let mut open = Router::new();
    for (path, handlers) in open_routes(hash) {
        open = open.route(path, handlers);
    }
    open.merge(signed_in)
        .layer(from_fn_with_state(site.clone(), hosts::check))
        .layer(from_fn_with_state(site.clone(), headers::add))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(problem::tell))
        .layer(TraceLayer::new_for_http().on_failure(()))
        .layer(from_fn_with_state(site.clone(), crate::traces::trace))
        .layer(from_fn_with_state(site.clone(), metrics::count))
        .with_state(site)
}

/// Pages and JSON are compressed here; the site's files are so already, and
/// a stream of events must not wait in a compressor.
fn is_text_of_ours(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html") || kind.starts_with("application/json"))
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Refusal::internal(&format!("panic: {said}")).into_response()
}
