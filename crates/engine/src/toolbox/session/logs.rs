//! `GET …/command/{id}/logs`: the log as far as it is, with its streams apart.

use axum::response::Response;
use daytona::wire::Stream;

use super::command::Command;
use crate::toolbox::log_json::{self, Field};

pub(super) fn snapshot(command: &Command) -> Response {
    log_json::respond(
        &command.spool,
        vec![
            Field::Marked("output"),
            Field::Only("stdout", Stream::Stdout),
            Field::Only("stderr", Stream::Stderr),
        ],
    )
}
