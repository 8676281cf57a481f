//! The API, version 1: everything the site can do, for programs.
//!
//! An endpoint is a handler with an annotation, `#[utoipa::path(…)]`, and a
//! line in its module's `endpoints`. The route, its permission and the
//! document at `/api/openapi.json` follow from these two. To add a resource:
//! a module here, its `endpoints` in the list below, and
//! `PITLANE_WRITE_DOCUMENT=1 cargo test` to put it into `docs/openapi.json`.
//!
//! - What was sent is read by [`given::Given`].
//! - A POST that makes something answers through [`once::once`], with 201.
//! - A list is a [`page::Page`].
//! - Refusals need no words in an annotation: `document` adds them all.

mod agents;
mod document;
mod document_page;
mod endpoint;
mod entity_tag;
mod files;
mod found;
mod given;
mod inside;
mod members;
mod once;
mod page;
mod revisions;
mod runs;
mod sandboxes;
mod schedules;
mod secrets;
mod tokens;
mod usage;
mod webhooks;

pub use endpoint::{Endpoint, endpoint};

use super::{
    super::{Site, permission},
    interpreter,
};
use axum::routing::MethodRouter;
use std::collections::BTreeMap;

/// Those that are older than the version in addresses.
fn older() -> Vec<Endpoint> {
    use super::{super::log, events, execute, run, session, socket};
    vec![
        endpoint::<session::__path_who, _, _>(session::who),
        endpoint::<execute::__path_execute, _, _>(execute::execute),
        endpoint::<socket::__path_open, _, _>(socket::open),
        endpoint::<run::__path_show, _, _>(run::show),
        endpoint::<log::__path_download, _, _>(log::download),
        endpoint::<events::__path_follow, _, _>(events::follow),
    ]
}

/// All endpoints that the document tells of.
pub fn endpoints() -> Vec<Endpoint> {
    [
        older(),
        interpreter::endpoints(),
        agents::endpoints(),
        files::endpoints(),
        revisions::endpoints(),
        runs::endpoints(),
        sandboxes::endpoints(),
        inside::endpoints(),
        secrets::endpoints(),
        schedules::endpoints(),
        tokens::endpoints(),
        members::endpoints(),
        usage::endpoints(),
        webhooks::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Their routes, and those of the document itself.
pub fn routes() -> Vec<(String, MethodRouter<Site>)> {
    let mut routes: BTreeMap<String, MethodRouter<Site>> = BTreeMap::new();
    for endpoint in endpoints() {
        let handlers = match routes.remove(&endpoint.route) {
            Some(others) => others.merge(endpoint.handlers),
            None => endpoint.handlers,
        };
        routes.insert(endpoint.route, handlers);
    }
    let document = [
        ("/api/openapi.json", permission::get(document_page::json)),
        (document_page::PATH, permission::get(document_page::page)),
    ];
    let document = document.map(|(path, handlers)| (path.to_owned(), handlers));
    routes.into_iter().chain(document).collect()
}
