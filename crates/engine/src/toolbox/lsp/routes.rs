//! The calls about language servers.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use daytona::{LspCompletionParams, LspCompletions, LspDocument, LspServer, LspSymbol};

use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::registry::Live;
use crate::state::SharedEngine;

pub(in crate::toolbox) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/lsp/start", post(start))
        .route("/lsp/stop", post(stop))
        .route("/lsp/did-open", post(did_open))
        .route("/lsp/did-close", post(did_close))
        .route("/lsp/completions", post(completions))
        .route("/lsp/document-symbols", get(document_symbols))
        .route("/lsp/workspacesymbols", get(workspace_symbols))
}

/// Refuses what a call cannot do without.
fn required(fields: &[(&str, &str)]) -> Result<(), Fault> {
    match fields.iter().find(|(_, value)| value.is_empty()) {
        Some((name, _)) => Err(Fault::bad_request(format!("{name} is required"))),
        None => Ok(()),
    }
}

async fn start(
    Extension(live): Extension<Arc<Live>>,
    Json(asked): Json<LspServer>,
) -> Result<StatusCode, Fault> {
    required(&[
        ("languageId", &asked.language_id),
        ("pathToProject", &asked.path_to_project),
    ])?;
    let started = live.lsp.start(&live, &asked.language_id, &asked.path_to_project);
    started.await.map(|()| StatusCode::OK)
}

async fn stop(
    Extension(live): Extension<Arc<Live>>,
    Json(asked): Json<LspServer>,
) -> Result<StatusCode, Fault> {
    let stopped = live.lsp.stop(&live, &asked.language_id, &asked.path_to_project);
    stopped.await.map(|()| StatusCode::OK)
}

async fn did_open(
    Extension(live): Extension<Arc<Live>>,
    Json(asked): Json<LspDocument>,
) -> Result<StatusCode, Fault> {
    let server = live.lsp.get(&asked.language_id, &asked.path_to_project).await?;
    required(&[("uri", &asked.uri)])?;
    let opened = server.open(&live, &asked.language_id, &asked.uri);
    opened.await.map(|()| StatusCode::OK)
}

async fn did_close(
    Extension(live): Extension<Arc<Live>>,
    Json(asked): Json<LspDocument>,
) -> Result<StatusCode, Fault> {
    let server = live.lsp.get(&asked.language_id, &asked.path_to_project).await?;
    required(&[("uri", &asked.uri)])?;
    server.close(&live, &asked.uri).await.map(|()| StatusCode::OK)
}

async fn completions(
    Extension(live): Extension<Arc<Live>>,
    Json(asked): Json<LspCompletionParams>,
) -> Result<Answer<LspCompletions>, Fault> {
    let server = live.lsp.get(&asked.language_id, &asked.path_to_project).await?;
    required(&[("uri", &asked.uri)])?;
    server.completions(&live, &asked).await.map(Answer)
}

/// What is asked about symbols.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbols {
    #[serde(default)]
    language_id: String,
    #[serde(default)]
    path_to_project: String,
    #[serde(default)]
    uri: String,
    #[serde(default)]
    query: String,
}

async fn document_symbols(
    Extension(live): Extension<Arc<Live>>,
    Query(asked): Query<Symbols>,
) -> Result<Answer<Vec<LspSymbol>>, Fault> {
    required(&[
        ("languageId", &asked.language_id),
        ("pathToProject", &asked.path_to_project),
        ("uri", &asked.uri),
    ])?;
    let server = live.lsp.get(&asked.language_id, &asked.path_to_project).await?;
    let symbols = server.symbols_of(&live, &asked.language_id, &asked.uri);
    symbols.await.map(Answer)
}

async fn workspace_symbols(
    Extension(live): Extension<Arc<Live>>,
    Query(asked): Query<Symbols>,
) -> Result<Answer<Vec<LspSymbol>>, Fault> {
    required(&[
        ("query", &asked.query),
        ("languageId", &asked.language_id),
        ("pathToProject", &asked.path_to_project),
    ])?;
    let server = live.lsp.get(&asked.language_id, &asked.path_to_project).await?;
    server.search(&asked.query).await.map(Answer)
}
