//! What builds say: where to read it, and the text itself, as it comes.

use axum::Json as Answer;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use daytona::Address;

use super::present::Base;
use crate::body::Query;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

pub(super) async fn url_of_sandbox(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Address>, Fault> {
    let id = engine.registry.find(&caller, &sandbox)?.id.clone();
    Ok(Answer(Address {
        url: format!("{}/sandbox/{id}/build-logs", base.api()),
    }))
}

pub(super) async fn url_of_snapshot(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(snapshot): Path<String>,
) -> Result<Answer<Address>, Fault> {
    let id = engine.snapshots.show(caller.organization(), &snapshot)?.id;
    Ok(Answer(Address {
        url: format!("{}/snapshots/{id}/build-logs", base.api()),
    }))
}

pub(super) async fn of_sandbox(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let id = engine.registry.find(&caller, &sandbox)?.id.clone();
    Ok(text(&engine, &id, &query))
}

pub(super) async fn of_snapshot(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(snapshot): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let id = engine.snapshots.show(caller.organization(), &snapshot)?.id;
    Ok(text(&engine, &id, &query))
}

fn text(engine: &SharedEngine, id: &str, query: &[(String, String)]) -> Response {
    let follow = query
        .iter()
        .any(|(key, value)| key == "follow" && value == "true");
    let stream = engine.builds.logs.read(id, follow);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // Pieces go to the client as they come.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(stream)).into_response()
}
