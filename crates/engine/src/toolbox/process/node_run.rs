//! Programs in JavaScript and TypeScript: a new Node.js for each, which reads
//! them from its standard input.

use std::sync::Arc;

use super::code_run::{Text, missing};
use super::run::RunFault;
use super::{Finished, Program, run};
use crate::fault::Fault;
use crate::registry::Live;

/// What Daytona puts before the code, so that `process.argv` has no `-`; on the
/// code's first line, so that lines keep their numbers.
const ARGUMENTS: &str = "process.argv.splice(1, 1); ";
/// How Node.js is told to read a program from its standard input.
const STANDARD_INPUT: &str = "-";

type Outcome = Result<Finished, RunFault>;

/// Runs JavaScript.
pub(super) async fn javascript(live: &Arc<Live>, text: Text) -> Result<Outcome, Fault> {
    node(live, &[STANDARD_INPUT.to_owned()], text).await
}

/// Runs TypeScript.
pub(super) async fn typescript(live: &Arc<Live>, text: Text) -> Result<Outcome, Fault> {
    live.sandbox.node().ok_or_else(|| missing("Node.js"))?;
    let options = live.sandbox.typescript().ok_or_else(|| {
        Fault::bad_request(
            "This sandbox's Node.js cannot run TypeScript: it takes version 22.18 or newer, or an engine with its runtime folder.",
        )
    })?;
    node(live, options, text).await
}

async fn node(live: &Arc<Live>, options: &[String], text: Text) -> Result<Outcome, Fault> {
    let node = live.sandbox.node().ok_or_else(|| missing("Node.js"))?;
    let mut argv = vec![node.to_owned()];
    argv.extend_from_slice(options);
    argv.extend(text.argv);
    let reads_itself = options.last().is_some_and(|last| last == STANDARD_INPUT);
    let program = Program {
        argv,
        env: text.env,
        cwd: live.resolve(""),
        input: format!("{}{}", if reads_itself { ARGUMENTS } else { "" }, text.code).into_bytes(),
        limit: text.limit,
    };
    Ok(run(live, program).await)
}
