//! Daytona's official SDKs against the built engine, unchanged: the two of
//! Python and the one of TypeScript, which is published under two names. The
//! suites in `end2end/sdk` know two environment variables and nothing of ours,
//! so that they can be pointed at Daytona's cloud as well.

use crate::process::{exists, program, run, run_quietly, say, step};
use crate::setup::{node_packages, system_package};
use crate::workspace::{Profile, binary, root, target};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The key the engine is started with.
const KEY: &str = "dtn_for_the_tests_of_the_sdks";
/// Debian's interpreter: what is first in PATH may be a slow shim.
const PYTHON: &str = "/usr/bin/python3";

/// Installs both SDKs with what runs their tests.
pub fn install() -> Result<()> {
    step("Daytona's Python SDK", || {
        environment_of(&root().join("end2end/sdk/python"), "sdk").map(drop)
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
        let pytest = environment().join("bin/pytest");
        let mut command = program(
            &pytest.to_string_lossy(),
            &["-q"],
            &root().join("end2end/sdk/python"),
        );
        run(engine.told_to(&mut command))
    })?;
    engine.end()
}

/// The folder of our Python environment.
fn environment() -> PathBuf {
    target().join("sdk/python")
}

/// Makes an environment as the folder's `requirements.txt` says, unless that was done since the file last
/// changed; gives where it is.
pub fn environment_of(folder: &Path, name: &str) -> Result<PathBuf> {
    let requirements = folder.join("requirements.txt");
    let digest = crate::assets::digest(&std::fs::read(&requirements)?);
    let place = target().join(name).join("python");
    let stamp = place.join("pitlane-requirements.sha256");
    if std::fs::read_to_string(&stamp).is_ok_and(|last| last == digest) {
        return Ok(place);
    }
    let interpreter = if exists(PYTHON) { PYTHON } else { "python3" };
    let _ = std::fs::remove_dir_all(&place);
    let make = || run_quietly(Command::new(interpreter).args(["-m", "venv"]).arg(&place));
    if make().is_err() {
        system_package("python3-venv")?;
        make().context("On Debian run `apt-get install python3-venv`, and start again.")?;
    }
    run_quietly(
        Command::new(place.join("bin/pip"))
            .args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&requirements),
    )?;
    std::fs::write(stamp, digest)?;
    Ok(place)
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
