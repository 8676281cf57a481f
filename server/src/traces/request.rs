//! A span for each request, in the trace of whoever sent it (`traceparent`, as
//! <https://www.w3.org/TR/trace-context/> says).

use super::{CALLER, Traces};
use crate::site::Site;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator as _,
    trace::{SpanKind, Status, TraceContextExt as _, Tracer as _},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// What answers all the time, and says nothing in a trace.
const UNTOLD: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/assets/{hash}/{*path}"];

/// Answers within a span.
pub async fn trace(State(site): State<Site>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let Traces(Some(sending)) = &*site.observed.traces else {
        return next.run(request).await;
    };
    if route.is_some_and(|route| UNTOLD.contains(&route)) {
        return next.run(request).await;
    }
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method().to_string()),
        // Without the query, which may be a token that signs in.
        KeyValue::new("url.path", request.uri().path().to_owned()),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
    let name = match route {
        Some(route) => format!("{} {route}", request.method()),
        None => request.method().to_string(),
    };
    let span = sending
        .tracer
        .span_builder(name)
        .with_kind(SpanKind::Server)
        .with_attributes(attributes)
        .start_with_context(&sending.tracer, &sender(request.headers()));
    let context = Context::new().with_span(span);
    let response = CALLER.scope(context.clone(), next.run(request)).await;
    let span = context.span();
    let status = response.status();
    span.set_attribute(KeyValue::new(
        "http.response.status_code",
        i64::from(status.as_u16()),
    ));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// The trace that a request says it belongs to.
fn sender(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}
