//! Where programs run in a sandbox, and what serves them.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::Directory;
use serde_json::{Value, json};

use crate::registry::Live;

pub(super) async fn work_dir(Extension(live): Extension<Arc<Live>>) -> Answer<Directory> {
    Answer(Directory {
        dir: live.resolve(""),
    })
}

pub(super) async fn home_dir(Extension(live): Extension<Arc<Live>>) -> Answer<Directory> {
    Answer(Directory {
        dir: live.sandbox.home().to_owned(),
    })
}

pub(super) async fn version() -> Answer<Value> {
    Answer(json!({"version": env!("CARGO_PKG_VERSION")}))
}
