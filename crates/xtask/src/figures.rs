//! The figures of a built server, read by Prometheus' own parser.

use crate::process::{program, run};
use crate::python;
use crate::workspace::{Profile, binary, root};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The environment its parser is installed into.
const ENVIRONMENT: &str = "operate/python";

/// Starts a server on a fresh data directory, and has them read.
pub fn test() -> Result<()> {
    let folder = root().join("end2end/operate");
    python::install(ENVIRONMENT, &folder)?;
    let python = python::environment(ENVIRONMENT).join("bin/python");
    let data = tempfile::tempdir().context("making a data directory")?;
    let mut server = Command::new(binary(Profile::Debug))
        .args(["serve", "--addr", "127.0.0.1:0", "--warm", "0", "--data"])
        .arg(data.path())
        .current_dir(data.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the server")?;
    let out = server.stdout.take().context("the server's output")?;
    let mut line = String::new();
    let read = BufReader::new(out).read_line(&mut line);
    let checked = match (read, line.trim().strip_prefix("Pitlane is ready at ")) {
        (Ok(_), Some(url)) => run(program(&python.to_string_lossy(), &["figures.py"], &folder).arg(url)),
        _ => bail!("the server did not say where it is: {line}"),
    };
    // Politely, so that its engine ends with it.
    let told = Command::new("kill").arg(server.id().to_string()).status();
    if !told.is_ok_and(|status| status.success()) {
        server.kill()?;
    }
    server.wait()?;
    checked
}
