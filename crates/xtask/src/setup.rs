//! What building and testing need beyond cargo, Node.js and Python: found, or
//! installed, or named together with the one command that installs it.

use crate::process::{exists, output, program, run_quietly, say, step};
use crate::workspace::root;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs all of it and says what is there.
pub fn everything() -> Result<()> {
    for_building()?;
    for_testing()
}

/// What a build needs.
pub fn for_building() -> Result<()> {
    if !exists("node") || !exists("npm") {
        bail!(
            "Node.js and npm are needed to bundle the browser's scripts. On Debian run `apt-get install nodejs npm`, and start again."
        );
    }
    step("WebAssembly toolchain", || crate::wasm::toolchain().map(drop))?;
    step("Node.js packages", || node_packages(&root().join("frontend/js")))?;
    Ok(())
}

/// What the tests need on top: a browser with its driver, Daytona's SDKs,
/// packages for sandboxes, and PostgreSQL.
pub fn for_testing() -> Result<()> {
    step("Playwright", || node_packages(&root().join("end2end")))?;
    crate::sdk::install()?;
    crate::packages::install()?;
    step("Chromium", || {
        chromium().map(|path| say(&format!("    {}", path.display())))
    })?;
    step("PostgreSQL", || {
        if testkit::postgres::find_binaries().is_none() {
            system_package("postgresql")?;
        }
        if testkit::postgres::find_binaries().is_none() {
            bail!(
                "PostgreSQL's programs are missing. On Debian run `apt-get install postgresql`, and start again."
            );
        }
        Ok(())
    })
}

/// Installs a folder's npm packages as its lock file says, unless that was
/// done since the file last changed.
pub fn node_packages(folder: &Path) -> Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let digest = crate::assets::digest(&lock);
    let stamp = folder.join("node_modules/.pitlane-lock.sha256");
    if std::fs::read_to_string(&stamp).is_ok_and(|last| last == digest) {
        return Ok(());
    }
    // Playwright's own browsers are fetched by `chromium` below, if at all.
    let mut command = program("npm", &["ci", "--no-audit", "--no-fund"], folder);
    run_quietly(command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    std::fs::write(stamp, digest)?;
    Ok(())
}

/// Where wasm-opt is: the one of the npm packages, whose version is ours to
/// choose. Debian 12's, 108, mixes up the tables of today's modules: the page
/// then fails as soon as JavaScript calls back.
pub fn wasm_opt() -> PathBuf {
    root().join("frontend/js/node_modules/.bin/wasm-opt")
}

/// Where esbuild is: among the same packages.
pub fn esbuild() -> PathBuf {
    root().join("frontend/js/node_modules/.bin/esbuild")
}

/// Finds a Chromium, else has Playwright fetch its own, else installs the system's.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = installed_chromium() {
        return Ok(path);
    }
    say("    fetching Chromium");
    if run_quietly(&mut program(
        "npx",
        &["playwright", "install", "chromium"],
        &root().join("end2end"),
    ))
    .is_ok()
        && let Some(path) = installed_chromium()
    {
        return Ok(path);
    }
    system_package("chromium")?;
    installed_chromium().ok_or_else(|| {
        anyhow::anyhow!("Chromium is missing. On Debian run `apt-get install chromium`, and start again.")
    })
}

fn installed_chromium() -> Option<PathBuf> {
    let named = std::env::var_os("PITLANE_CHROMIUM").map(PathBuf::from);
    let usual = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/snap/bin/chromium",
    ];
    let playwrights = || {
        let script = "process.stdout.write(require('@playwright/test').chromium.executablePath())";
        output(&mut program("node", &["-e", script], &root().join("end2end")))
            .ok()
            .map(PathBuf::from)
    };
    named
        .into_iter()
        .chain(usual.into_iter().map(PathBuf::from))
        .find(|path| path.exists())
        .or_else(|| playwrights().filter(|path| path.exists()))
}

/// Installs a Debian package, when this is Debian and we are root.
pub fn system_package(name: &str) -> Result<()> {
    let remedy = format!("Run `sudo apt-get install {name}` (or your system's equivalent), and start again.");
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || !exists("apt-get") {
        bail!("{name} is missing, and only root can install it. {remedy}");
    }
    say(&format!("    installing {name}"));
    let install = || {
        run_quietly(
            Command::new("apt-get")
                .args(["install", "--yes", "--no-install-recommends", name])
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    if install().is_ok() {
        return Ok(());
    }
    run_quietly(Command::new("apt-get").arg("update"))?;
    install().map_err(|error| error.context(remedy))
}
