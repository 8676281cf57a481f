//! The pages and server functions, which Leptos makes: painted here, brought
//! to life in the browser.

use super::{Site, headers::page_policy};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use leptos::{
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list, render_app_async_with_context,
};
use std::sync::LazyLock;

/// The pages' routes, listed once in a process and before any page of it is painted: while Leptos lists
/// them, a resource that any thread begins to load stays pending for ever (leptos issue 4773).
pub static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));

/// Adds the pages, the server functions, and the page for every other address.
pub fn add(router: Router<Site>, site: &Site) -> Router<Site> {
    let assets = site.assets.clone();
    router
        .leptos_routes_with_context(site, ROUTES.clone(), context(site), move || app::shell(&assets))
        .fallback(not_found)
}

/// What pages and server functions find in their context. Runs for each
/// request, after Leptos made the nonce.
fn context(site: &Site) -> impl Fn() + Clone + Send + Sync + 'static {
    let (services, assets) = (site.services.clone(), site.assets.clone());
    move || {
        provide_context(services.clone());
        provide_context(assets.clone());
        let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
            return;
        };
        if let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce)) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// The site's own page for what is not there.
async fn not_found(State(site): State<Site>, request: Request) -> Response<Body> {
    let is_program = request.uri().path().starts_with("/api/") || request.uri().path().starts_with("/fn/");
    if is_program {
        return missing(request.uri().path());
    }
    let assets = site.assets.clone();
    let handler = render_app_async_with_context(context(&site), move || app::shell(&assets));
    let mut response = handler(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

fn missing(path: &str) -> Response {
    use axum::response::IntoResponse;
    let (code, sentence) = if path.starts_with("/fn/") {
        (
            app::ErrorCode::Outdated,
            "This page is older than the server. Reload it to get the new version; what you typed is kept.",
        )
    } else {
        (app::ErrorCode::NotFound, "There is nothing at this address.")
    };
    super::refusal::Refusal::new(code, sentence).into_response()
}
