//! Packages that the engine's tests run inside sandboxes: language servers, and
//! matplotlib. They are put into `target/sandbox-packages`, which the tests have
//! bound into their sandboxes; without it those tests are shown as ignored.

use crate::process::{exists, run_quietly, step};
use crate::setup::node_packages;
use crate::workspace::{root, target};
use anyhow::{Context, Result};
use std::process::Command;

/// Debian's interpreter: what is first in PATH may be a slow shim.
const PYTHON: &str = "/usr/bin/python3";

/// Installs them, unless that was done since their lists last changed.
pub fn install() -> Result<()> {
    step("Packages inside sandboxes", || {
        let lists = root().join("crates/engine/tests/packages");
        let place = target().join("sandbox-packages");
        std::fs::create_dir_all(&place)?;
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(lists.join(name), place.join(name)).with_context(|| format!("copying {name}"))?;
        }
        node_packages(&place)?;
        let requirements = lists.join("requirements.txt");
        let digest = crate::assets::digest(&std::fs::read(&requirements)?);
        let stamp = place.join("requirements.sha256");
        if std::fs::read_to_string(&stamp).is_ok_and(|last| last == digest) {
            return Ok(());
        }
        let interpreter = if exists(PYTHON) { PYTHON } else { "python3" };
        let folder = place.join("python");
        let _ = std::fs::remove_dir_all(&folder);
        run_quietly(
            Command::new(interpreter)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg("--target")
                .arg(&folder)
                .arg("--requirement")
                .arg(&requirements),
        )
        .context("On Debian run `apt-get install python3-pip`, and start again.")?;
        // They fit this Python alone, so the tests give it to their sandboxes.
        std::fs::write(place.join("interpreter"), interpreter)?;
        Ok(std::fs::write(stamp, digest)?)
    })
}
