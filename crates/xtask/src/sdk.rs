//! Daytona's official SDKs against the built engine, unchanged: the two of
//! Python and the one of TypeScript, which is published under two names. The
//! suites in `end2end/sdk` know two environment variables and nothing of ours,
//! so that they can be pointed at Daytona's cloud as well.

use crate::process::{program, run, run_quietly, say, step};
use crate::python;
use crate::setup::node_packages;
use crate::workspace::{Profile, binary, root};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The key the engine is started with.
const KEY: &str = "dtn_for_the_tests_of_the_sdks";
/// The Python environment they are installed into.
const ENVIRONMENT: &str = "sdk/python";

/// Installs both SDKs with what runs their tests.
pub fn install() -> Result<()> {
    step("Daytona's Python SDK", || {
        python::install(ENVIRONMENT, &root().join("end2end/sdk/python"))
    })?;
    step("Daytona's TypeScript SDK", || {
        node_packages(&root().join("end2end/sdk/typescript"))
    })
}

/// Runs the suites against an engine on a fresh data directory.
pub fn test() -> Result<()> {
    let data = tempfile::tempdir().context("making a data directory")?;
    let engine = Engine::start(&binary(Profile::Debug), data.path())?;
    for package in ["@daytonaio/sdk", "@daytona/sdk"] {
        step(&format!("Daytona's TypeScript SDK, {package}"), || {
            let mut command = program("node", &["--test"], &root().join("end2end/sdk/typescript"));
            run(engine.told_to(&mut command).env("DAYTONA_SDK", package))
        })?;
    }
    step("Daytona's Python SDK, synchronous and asynchronous", || {
        let pytest = python::environment(ENVIRONMENT).join("bin/pytest");
        let mut command = program(
            &pytest.to_string_lossy(),
            &["-q"],
            &root().join("end2end/sdk/python"),
        );
        run(engine.told_to(&mut command))
    })?;
    engine.end()
}

/// A built engine that ends when we do.
struct Engine {
    process: Child,
    url: String,
}

impl Engine {
    fn start(binary: &Path, data: &Path) -> Result<Self> {
        let mut process = Command::new(binary)
            .args(["engine", "--addr", "127.0.0.1:0", "--api-key", KEY, "--data"])
            .arg(data)
            .arg("--ends-with")
            .arg(std::process::id().to_string())
            .env("PITLANE_SSH_ADDR", "127.0.0.1:0")
            .current_dir(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let out = process.stdout.take().context("the engine's output")?;
        let mut lines = BufReader::new(out).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, url) = line.split_once("Daytona's API at ")?;
            Some(url.trim().to_owned())
        });
        let Some(url) = address else {
            let _ = process.kill();
            bail!(
                "the engine did not say where it serves; it ended with {}",
                process.wait()?
            );
        };
        // What else it says is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        say(&format!("    an engine at {url}"));
        Ok(Self { process, url })
    }

    /// Sets the two variables by which a program finds the engine.
    fn told_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("DAYTONA_API_URL", &self.url)
            .env("DAYTONA_API_KEY", KEY)
    }

    /// Asks it to end, and expects it to do so in order.
    fn end(mut self) -> Result<()> {
        let pid = self.process.id().to_string();
        run_quietly(Command::new("sh").args(["-c", "kill \"$0\"", &pid]))?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the engine ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Only after a failure is there anything left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
