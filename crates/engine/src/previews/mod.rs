//! Previews: programs of sandboxes under host names of their own,
//! `{port}-{sandbox or signed token}.{preview domain}`.
//!
//! Each has its own origin in browsers, apart from the engine's, from Pitlane's
//! site and from every other sandbox. Who may see one is decided in
//! [`admission`]; what lets them in never reaches the program.

mod admission;
mod cors;
mod host;

pub(crate) use host::{address, template};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::fault::Fault;
use crate::proxy::{self, Destination, Way};
use crate::state::SharedEngine;
use crate::throttle::Peer;
use admission::{Admitted, admit};

/// The layer that takes requests for previews out, before all routes.
pub(crate) async fn serve(State(engine): State<SharedEngine>, request: Request, next: Next) -> Response {
    let Some(name) = host::of(&engine.config.preview_domain, &request) else {
        return next.run(request).await;
    };
    let peer = Peer::of(request.extensions());
    let answer = match preview(&engine, &name, request).await {
        Ok(answer) => return answer,
        Err(fault) => fault.of_preview().into_response(),
    };
    match Fault::is_ours(&answer, StatusCode::UNAUTHORIZED) {
        true => engine.throttle.failed(&peer).unwrap_or(answer),
        false => answer,
    }
}

async fn preview(engine: &SharedEngine, name: &host::Name, request: Request) -> Result<Response, Fault> {
    if let Some(answer) = cors::preflight(&request) {
        return Ok(answer);
    }
    let Admitted { entry, by_query } = admit(engine, name, &request)?;
    let cookie = by_query.then(|| admission::cookie(&entry, &request)).flatten();
    if let Some(cookie) = &cookie
        && let Some(clean) = admission::without_key(&request)
    {
        let headers = [(header::LOCATION, clean), (header::SET_COOKIE, cookie.clone())];
        return Ok((StatusCode::FOUND, headers).into_response());
    }
    let live = entry.live().filter(|live| !live.is_held()).ok_or_else(|| {
        Fault::bad_request(format!(
            "Sandbox {} is not started, so that nothing of it can be shown.",
            entry.id
        ))
    })?;
    let shared = cors::Shared::of(&request);
    let path = request.uri().path().to_owned();
    let destination = Destination {
        engine,
        entry: &entry,
        live: &live,
        port: name.port,
        path: &path,
        way: Way::Host,
    };
    let mut answer = proxy::forward(destination, request).await?;
    let headers = answer.headers_mut();
    if let Some(cookie) = cookie {
        headers.append(header::SET_COOKIE, cookie);
    }
    shared.allow(headers);
    // What was shown with a secret must not be kept for somebody without.
    if !entry.record().public && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    Ok(answer)
}
