//! The program that runs a cell. The provider's interpreter passes on what a
//! program prints and no values; so each cell is given to it inside
//! `runner.py`, which runs the cell and reports its value, its figures and its
//! exception on standard output, between marks that no program can guess.
//!
//! It is sent anew with each cell: an interpreter that was killed and began
//! anew has it too.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::InterpreterId;
use serde_json::json;

const RUNNER: &str = include_str!("runner.py");
/// Before and after a report.
pub(super) const MARK: char = '\u{1e}';

/// What is given to the provider's interpreter, so that it runs this cell and reports by this mark.
pub(super) fn program(code: &str, mark: &str, id: &InterpreterId) -> String {
    let given = json!({"code": code, "mark": mark, "running": running_file(id)});
    format!(
        "exec(compile(__import__('base64').b64decode('{}'), '<pitlane>', 'exec'), \
         {{'given': __import__('json').loads(__import__('base64').b64decode('{}')), 'scope': globals()}})",
        BASE64_STANDARD.encode(RUNNER),
        BASE64_STANDARD.encode(given.to_string())
    )
}

/// The command that interrupts the cell that runs; fails when none does.
pub(super) fn interrupt_command(id: &InterpreterId) -> String {
    format!("kill -INT \"$(cat '{}')\"", running_file(id))
}

/// The file in the sandbox that holds the process's number while a cell runs.
fn running_file(id: &InterpreterId) -> String {
    format!("/tmp/.pitlane-{id}")
}
