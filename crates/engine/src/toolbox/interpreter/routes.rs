//! The calls about contexts.

use std::sync::Arc;

use axum::extract::Path;
use axum::routing::{delete, get, post};
use axum::{Extension, Json as Answer, Router};
use daytona::{CreateContext, InterpreterContext, InterpreterContexts};
use serde_json::{Value, json};

use super::execute;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::state::SharedEngine;

pub(in crate::toolbox) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/process/interpreter/context", post(create).get(list))
        .route("/process/interpreter/context/{context}", delete(remove))
        .route("/process/interpreter/execute", get(execute::execute))
}

async fn create(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<CreateContext>,
) -> Result<Answer<InterpreterContext>, Fault> {
    if let Some(language) = request.language.filter(|language| language != "python") {
        return Err(Fault::bad_request(format!(
            "unsupported language: {language} (only 'python' is supported currently)"
        )));
    }
    let cwd = live.resolve(request.cwd.as_deref().unwrap_or(""));
    let context = live.contexts.create(&live, cwd).await?;
    Ok(Answer(context.describe()))
}

async fn list(Extension(live): Extension<Arc<Live>>) -> Answer<InterpreterContexts> {
    Answer(InterpreterContexts {
        contexts: live.contexts.list(),
    })
}

/// What the path of a call about a context holds.
#[derive(serde::Deserialize)]
struct ContextPath {
    context: String,
}

async fn remove(
    Extension(live): Extension<Arc<Live>>,
    Path(path): Path<ContextPath>,
) -> Result<Answer<Value>, Fault> {
    live.contexts.delete(&path.context)?;
    Ok(Answer(json!({"message": "Context deleted successfully"})))
}
