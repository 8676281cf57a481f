//! Python environments of our own, each made as a `requirements.txt` says.

use crate::process::{exists, run_quietly};
use crate::setup::system_package;
use crate::workspace::target;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's interpreter: what is first in PATH may be a slow shim.
const PYTHON: &str = "/usr/bin/python3";

/// The folder of an environment.
pub fn environment(name: &str) -> PathBuf {
    target().join(name)
}

/// Makes an environment as `folder/requirements.txt` says, unless that was
/// done since the file last changed.
pub fn install(name: &str, folder: &Path) -> Result<()> {
    let requirements = folder.join("requirements.txt");
    let digest = crate::assets::digest(&std::fs::read(&requirements)?);
    let place = environment(name);
    let stamp = place.join("pitlane-requirements.sha256");
    if std::fs::read_to_string(&stamp).is_ok_and(|last| last == digest) {
        return Ok(());
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
    Ok(())
}
