//! The packages that `cargo xtask setup` puts where sandboxes of tests can see
//! them (at `/opt/pitlane`).

use std::path::PathBuf;

use crate::support::Engine;

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/sandbox-packages"
    ))
}

/// Whether they are there.
pub fn are_installed() -> bool {
    folder().join("requirements.sha256").exists()
}

/// An engine whose sandboxes see them.
pub fn engine() -> Engine {
    let folder = folder();
    let python = std::fs::read_to_string(folder.join("interpreter")).unwrap();
    Engine::start_with(&[
        ("ENGINE_RUNTIME", folder.to_str().unwrap()),
        ("ENGINE_PYTHON", python.trim()),
    ])
}
