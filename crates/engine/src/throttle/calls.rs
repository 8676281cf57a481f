//! The calls of the control plane: counted, and refused with 429 when there are
//! too many. Each answer says how many are left.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::windows::Standing;
use super::{Throttle, Throttler};
use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

/// The last word of the calls that change a sandbox's state.
const CHANGES: [&str; 9] = [
    "start", "stop", "pause", "archive", "recover", "resize", "backup", "fork", "snapshot",
];

/// What a call is, by its path below the control plane's, besides a call with a valid key.
fn special(method: &Method, path: &str) -> Option<Throttler> {
    let parts: Vec<&str> = path.strip_prefix('/')?.trim_end_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["sandbox"]) => Some(Throttler::SandboxCreate),
        ("DELETE", ["sandbox", _]) => Some(Throttler::SandboxLifecycle),
        ("POST", ["sandbox", _, change]) => CHANGES.contains(change).then_some(Throttler::SandboxLifecycle),
        _ => None,
    }
}

impl Throttle {
    fn call(&self, throttler: Throttler, whose: &str) -> Option<Standing> {
        let limit = self.limit(throttler);
        (limit > 0).then(|| self.windows.count(throttler, whose, limit, Instant::now()))
    }
}

/// The layer around the control plane.
pub(crate) async fn count(State(engine): State<SharedEngine>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>() else {
        return next.run(request).await;
    };
    let special = special(request.method(), request.uri().path());
    let mut standings = Vec::with_capacity(2);
    for throttler in std::iter::once(Throttler::Authenticated).chain(special) {
        if let Some(standing) = engine.throttle.call(throttler, caller.organization()) {
            standings.push((throttler, standing));
        }
    }
    let exceeded = standings.iter().find(|(_, standing)| standing.exceeded).copied();
    let mut response = match exceeded {
        Some((throttler, standing)) => too_many(throttler, &standing),
        None => next.run(request).await,
    };
    for (throttler, standing) in standings {
        say(response.headers_mut(), throttler, &standing);
    }
    response
}

/// 429, and when to come again.
pub(super) fn too_many(throttler: Throttler, standing: &Standing) -> Response {
    let mut response = Fault::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded").into_response();
    let seconds = HeaderValue::from(standing.reset_seconds());
    let headers = response.headers_mut();
    if let Ok(name) = HeaderName::try_from(format!("retry-after-{}", throttler.as_str())) {
        headers.insert(name, seconds.clone());
    }
    headers.insert(header::RETRY_AFTER, seconds);
    response
}

fn say(headers: &mut HeaderMap, throttler: Throttler, standing: &Standing) {
    for (what, number) in [
        ("limit", u64::from(standing.limit)),
        ("remaining", u64::from(standing.remaining)),
        ("reset", standing.reset_seconds()),
    ] {
        if let Ok(name) = HeaderName::try_from(format!("x-ratelimit-{what}-{}", throttler.as_str())) {
            headers.insert(name, HeaderValue::from(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_as_what_they_are() {
        for (method, path, expected) in [
            (Method::POST, "/sandbox", Some(Throttler::SandboxCreate)),
            (Method::GET, "/sandbox", None),
            (Method::GET, "/sandbox/a", None),
            (Method::DELETE, "/sandbox/a", Some(Throttler::SandboxLifecycle)),
            (Method::POST, "/sandbox/a/stop", Some(Throttler::SandboxLifecycle)),
            (Method::POST, "/sandbox/a/autostop/3", None),
            (Method::PUT, "/sandbox/a/labels", None),
            (Method::POST, "/volumes", None),
            (Method::POST, "/snapshots", None),
        ] {
            assert_eq!(special(&method, path), expected, "{method} {path}");
        }
    }
}
