//! The toolbox API: what is asked of one sandbox. HTTP here, descriptors and
//! frames to its pid 1 there; nothing in this module touches a path of the host
//! that a client named.

mod environment;
mod files;
mod git;
mod interpreter;
mod log_json;
mod lsp;
mod markers;
mod metrics;
mod packages;
mod place;
mod ports;
mod process;
mod python;
mod session;
mod terminal;

pub(crate) use interpreter::Contexts;
pub(crate) use lsp::Servers;
pub(crate) use session::{Past, Sessions, run_entrypoint};
pub(crate) use terminal::Terminals;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use crate::auth;
use crate::fault::Fault;
use crate::registry::counts_as_use;
use crate::state::SharedEngine;

/// All routes below `/toolbox/{sandbox}`.
pub(crate) fn routes(engine: &SharedEngine) -> Router<SharedEngine> {
    Router::new()
        .route("/work-dir", get(place::work_dir))
        .route("/user-home-dir", get(place::home_dir))
        .route("/version", get(place::version))
        .route("/system/metrics", get(metrics::now))
        .route("/process/execute", post(process::execute::execute))
        .route("/process/code-run", post(process::code_run::code_run))
        .merge(session::routes())
        .merge(terminal::routes())
        .merge(ports::routes())
        .route("/env", post(environment::update))
        .route("/pitlane/packages", post(packages::install))
        .merge(files::routes())
        .merge(git::routes())
        .merge(interpreter::routes())
        .merge(lsp::routes())
        .route_layer(from_fn_with_state(engine.clone(), enter))
}

/// Daytona's words, which its SDKs and ours know as "not started".
fn not_started() -> Fault {
    Fault::bad_request(
        "bad request: failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?",
    )
    .by_proxy()
}

/// Finds the sandbox of a request; every request is a use of it.
async fn enter(
    State(engine): State<SharedEngine>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let id = params
        .iter()
        .find_map(|(name, value)| (name == "sandbox").then_some(value))
        .unwrap_or("");
    let entry = auth::sandbox_of(&engine, &request, id)?;
    request
        .extensions_mut()
        .insert(Past::new(engine.spool_folder(&entry.id)));
    let Some(live) = entry.live().filter(|live| !live.is_held()) else {
        // What its commands printed can be read when an engine was killed.
        let reads_logs = request.method() == Method::GET && request.uri().path().contains("/process/session");
        return if reads_logs && entry.live().is_none() {
            Ok(next.run(request).await)
        } else {
            Err(not_started())
        };
    };
    let _use = counts_as_use(request.headers()).then(|| entry.activity.enter());
    request.extensions_mut().insert(entry);
    request.extensions_mut().insert(live);
    Ok(next.run(request).await)
}
