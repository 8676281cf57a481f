//! `GET …/command/{id}/logs`: the log as far as it is, with its streams apart.

use std::sync::Arc;

use axum::response::Response;
use daytona::wire::Stream;

use crate::spool::Spool;
use crate::toolbox::log_json::{self, Field};

pub(super) fn snapshot(spool: &Arc<Spool>) -> Response {
    log_json::respond(
        spool,
        vec![
            Field::Marked("output"),
            Field::Only("stdout", Stream::Stdout),
            Field::Only("stderr", Stream::Stderr),
        ],
    )
}
