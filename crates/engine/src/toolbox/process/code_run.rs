//! `POST /process/code-run`: a program text in Python, JavaScript or TypeScript,
//! in a new process each time.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use daytona::CodeRunRequest;

use super::execute::{environment, finish, limit};
use super::{Program, run};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::toolbox::files::transfer;

/// What Daytona puts before JavaScript, so that `process.argv` has no `-`.
const ARGUMENTS: &str = "process.argv.splice(1, 1);\n";

pub(in crate::toolbox) async fn code_run(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<CodeRunRequest>,
) -> Result<Response, Fault> {
    let arguments = request.argv.unwrap_or_default();
    let mut file = None;
    let (mut argv, input) = match request.language.as_str() {
        "python" => {
            let python = live.sandbox.python().ok_or_else(|| missing("Python"))?;
            (
                vec![python.to_owned(), "-u".into(), "-".into()],
                request.code.into_bytes(),
            )
        }
        "javascript" => {
            let node = live.sandbox.node().ok_or_else(|| missing("Node.js"))?;
            let code = format!("{ARGUMENTS}{}", request.code);
            (vec![node.to_owned(), "-".into()], code.into_bytes())
        }
        "typescript" => {
            let node = live.sandbox.node().ok_or_else(|| missing("Node.js"))?;
            let path = format!("{}/dtn_{}.ts", live.temporary(), uuid::Uuid::new_v4().simple());
            let code = format!("{ARGUMENTS}{}", request.code);
            transfer::write(&live, &path, code.as_bytes()).await?;
            let argv = vec![node.to_owned(), path.clone()];
            file = Some(path);
            (argv, Vec::new())
        }
        other => {
            return Err(Fault::bad_request(format!(
                "The language {other:?} is not run here: use python, javascript or typescript."
            )));
        }
    };
    argv.extend(arguments);
    let program = Program {
        argv,
        env: environment(&live, request.envs.as_ref())?,
        cwd: live.resolve(""),
        input,
        limit: limit(request.timeout),
    };
    let outcome = run(&live, program).await;
    if let Some(path) = file
        && let Err(error) = live.sandbox.remove(&path, false).await
    {
        tracing::debug!(%error, "a program's file could not be removed");
    }
    finish(outcome).await
}

fn missing(language: &str) -> Fault {
    Fault::bad_request(format!(
        "This sandbox has no {language}. Install it on the host, or name it in the engine's configuration."
    ))
}
