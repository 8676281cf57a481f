//! `POST /process/code-run`: a program text in Python, JavaScript or TypeScript,
//! each time without a memory of the last.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use daytona::CodeRunRequest;

use super::execute::{environment, finish, limit};
use super::{charts, node_run, python_run};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

/// A program text and what it is given.
#[derive(Debug)]
pub(super) struct Text {
    pub code: String,
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub limit: Option<std::time::Duration>,
}

pub(in crate::toolbox) async fn code_run(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<CodeRunRequest>,
) -> Result<Response, Fault> {
    let text = Text {
        env: environment(&live, request.envs.as_ref())?,
        code: request.code,
        argv: request.argv.unwrap_or_default(),
        limit: limit(request.timeout),
    };
    if text.argv.iter().any(|argument| argument.contains('\0')) {
        return Err(Fault::bad_request("An argument holds a NUL byte."));
    }
    match request.language.as_str() {
        "python" => {
            let (outcome, drawn) = python_run::run(&live, text).await?;
            finish(outcome, charts::artifacts(drawn))
        }
        "javascript" => finish(node_run::javascript(&live, text).await?, None),
        "typescript" => finish(node_run::typescript(&live, text).await?, None),
        other => Err(Fault::bad_request(format!(
            "The language {other:?} is not run here: use python, javascript or typescript."
        ))),
    }
}

/// The refusal where a sandbox lacks what runs a language.
pub(super) fn missing(language: &str) -> Fault {
    Fault::bad_request(format!(
        "This sandbox has no {language}. Install it on the host, or name it in the engine's configuration."
    ))
}
