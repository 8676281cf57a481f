//! Requests by pages of other origins: previews let them read, as Daytona's do,
//! but never with what a browser adds by itself, such as our cookie. A client
//! that wants the program's own headers alone says so by
//! `X-Daytona-Disable-CORS`.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

const DISABLE: &str = "x-daytona-disable-cors";

/// The answer to a browser that asks whether it may ask. It asks without
/// anything that would let it in, so that the program cannot be asked.
pub(super) fn preflight(request: &Request) -> Option<Response> {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN)?;
    let method = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if *request.method() != Method::OPTIONS || wanted.is_some_and(names_disable) {
        return None;
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let allowed = answer.headers_mut();
    allowed.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    if let Some(wanted) = wanted {
        allowed.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    allowed.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allowed.insert(header::VARY, HeaderValue::from_static("origin"));
    Some(answer)
}

fn names_disable(wanted: &HeaderValue) -> bool {
    let names = wanted.to_str().unwrap_or_default().split(',');
    names
        .map(str::trim)
        .any(|name| name.eq_ignore_ascii_case(DISABLE))
}

/// With whom an answer is shared.
pub(super) struct Shared(Option<HeaderValue>);

impl Shared {
    pub(super) fn of(request: &Request) -> Self {
        let headers = request.headers();
        let disabled = headers.get(DISABLE).is_some_and(|value| value == "true");
        Self(headers.get(header::ORIGIN).filter(|_| !disabled).cloned())
    }

    /// Lets the page that asked read, unless the program decides that itself.
    pub(super) fn allow(self, headers: &mut HeaderMap) {
        const EXPOSE: HeaderName = header::ACCESS_CONTROL_EXPOSE_HEADERS;
        if let Some(origin) = self.0
            && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(EXPOSE, HeaderValue::from_static("*"));
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
    }
}
