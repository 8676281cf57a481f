//! The built binary, as a person or a script calls it.

mod api;
mod backup;
mod chunked;
mod doctor;
mod hostile;
mod interpreter;
mod operation;
mod refusals;
mod replicas;
mod run;
mod secrets;
mod serve;
mod teams;
mod traces;
mod users;
mod webhooks;

use std::{
    path::Path,
    process::{Command, Output},
};

/// `pitlane` with nothing of this machine's environment, in a folder of its own.
fn pitlane(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pitlane"));
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).expect("a folder");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("TMPDIR", temporary)
        .current_dir(folder);
    command
}

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("pitlane-test-")
        .tempdir()
        .expect("a folder")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
