//! The API against its own document: schemathesis makes requests from it, in
//! and out of the forms it tells of, and checks every answer of a real server
//! with real sandboxes. What it finds is mended at its cause; only the time is
//! bounded.

use crate::process::{run, run_quietly, say, step};
use crate::python;
use crate::workspace::{Profile, binary, root};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The environment it is installed into.
const ENVIRONMENT: &str = "schemathesis";
/// The longest that it goes on making up requests.
const SECONDS: &str = "240";
/// So that what one run finds, the next finds too.
const SEED: &str = "20261126";
/// What the token may do: everything.
const SCOPES: [&str; 6] = [
    "read",
    "run",
    "edit",
    "administer",
    "manage_team",
    "manage_instance",
];

fn install() -> Result<()> {
    step("schemathesis", || {
        python::install(ENVIRONMENT, &root().join("end2end/schemathesis"))
    })
}

/// Runs it against a server on a fresh data directory.
pub fn test() -> Result<()> {
    install()?;
    let data = tempfile::tempdir().context("making a data directory")?;
    let binary = binary(Profile::Debug);
    let server = Server::start(&binary, data.path())?;
    let token = server.token()?;
    step("The API against its document, by schemathesis", || {
        let tool = python::environment(ENVIRONMENT).join("bin/schemathesis");
        let mut command = Command::new(tool);
        command
            .args(["--config-file", "schemathesis.toml", "run"])
            // One worker: Python 3.11 may fail when two threads compile at once
            // (https://github.com/python/cpython/issues/106905).
            .args(["--max-time", SECONDS, "--seed", SEED, "--workers", "1"])
            .args(["--max-examples", "20", "--no-color"])
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .arg(format!("{}/api/openapi.json", server.url))
            .env("SCHEMATHESIS_HOOKS", "hooks")
            // Nothing is written beside the sources.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(root().join("end2end/schemathesis"));
        run(&mut command)
    })?;
    server.end()
}

/// A built server that ends when we do.
struct Server<'d> {
    process: Child,
    url: String,
    binary: &'d Path,
    data: &'d Path,
}

impl<'d> Server<'d> {
    fn start(binary: &'d Path, data: &'d Path) -> Result<Self> {
        let mut process = Command::new(binary)
            .args(["serve", "--addr", "127.0.0.1:0"])
            // A minute's starts are many; that they are counted is tested elsewhere.
            .env("PITLANE_STARTS_PER_MINUTE", "0")
            .current_dir(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let out = process.stdout.take().context("the server's output")?;
        let mut lines = BufReader::new(out).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            line.trim()
                .strip_prefix("Pitlane is ready at ")
                .map(str::to_owned)
        });
        let Some(url) = address else {
            let _ = process.kill();
            bail!(
                "the server did not say where it serves; it ended with {}",
                process.wait()?
            );
        };
        // What else it says is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        say(&format!("    a server at {url}"));
        Ok(Self {
            process,
            url,
            binary,
            data,
        })
    }

    /// A token with every scope.
    fn token(&self) -> Result<String> {
        let mut command = Command::new(self.binary);
        command
            .args(["token", "create", "schemathesis"])
            .current_dir(self.data);
        for scope in SCOPES {
            command.args(["--scope", scope]);
        }
        let made = command.output().context("making a token")?;
        if !made.status.success() {
            bail!("no token was made: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(String::from_utf8(made.stdout)?.trim().to_owned())
    }

    /// Asks it to end, and expects it to do so in order.
    fn end(mut self) -> Result<()> {
        let pid = self.process.id().to_string();
        run_quietly(Command::new("sh").args(["-c", "kill \"$0\"", &pid]))?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // Only after a failure is there anything left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
