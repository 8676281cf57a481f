//! Programs in JavaScript and TypeScript: a new Node.js for each.

use std::sync::Arc;

use super::code_run::{Text, missing};
use super::run::RunFault;
use super::{Finished, Program, run};
use crate::fault::Fault;
use crate::registry::Live;
use crate::toolbox::files::transfer;

/// What Daytona puts before the code, so that `process.argv` has no `-`; on the
/// code's first line, so that lines keep their numbers.
const ARGUMENTS: &str = "process.argv.splice(1, 1); ";

/// Runs JavaScript.
pub(super) async fn javascript(live: &Arc<Live>, text: Text) -> Result<Result<Finished, RunFault>, Fault> {
    let node = live.sandbox.node().ok_or_else(|| missing("Node.js"))?;
    let mut argv = vec![node.to_owned(), "-".to_owned()];
    argv.extend(text.argv);
    let program = Program {
        argv,
        env: text.env,
        cwd: live.resolve(""),
        input: format!("{ARGUMENTS}{}", text.code).into_bytes(),
        limit: text.limit,
    };
    Ok(run(live, program).await)
}

/// Runs TypeScript.
pub(super) async fn typescript(live: &Arc<Live>, text: Text) -> Result<Result<Finished, RunFault>, Fault> {
    let node = live.sandbox.node().ok_or_else(|| missing("Node.js"))?;
    let path = format!("{}/dtn_{}.ts", live.temporary(), uuid::Uuid::new_v4().simple());
    let code = format!("{ARGUMENTS}{}", text.code);
    transfer::write(live, &path, code.as_bytes()).await?;
    let mut argv = vec![node.to_owned(), path.clone()];
    argv.extend(text.argv);
    let program = Program {
        argv,
        env: text.env,
        cwd: live.resolve(""),
        input: Vec::new(),
        limit: text.limit,
    };
    let outcome = run(live, program).await;
    if let Err(error) = live.sandbox.remove(&path, false).await {
        tracing::debug!(%error, "a program's file could not be removed");
    }
    Ok(outcome)
}
