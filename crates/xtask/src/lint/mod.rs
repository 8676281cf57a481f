//! `cargo xtask lint`: formatting, compiler and clippy lints for every set of
//! features that is built, and the project's own rules ([`rules`]).

mod licences;
mod rules;

use crate::process::{cargo, run as run_command, step};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Only the project's own rules, which need no compiling
    #[arg(long)]
    rules: bool,
    /// Write the list of crates compiled for the browser anew, after a reviewed change
    #[arg(long)]
    accept_wasm_dependencies: bool,
}

/// Runs all checks; the first that fails ends it.
pub fn run(options: &Options) -> Result<()> {
    if options.accept_wasm_dependencies {
        return rules::accept_wasm_dependencies();
    }
    step("Imports between the crates", rules::imports)?;
    step("Crates compiled for the browser", rules::wasm_dependencies)?;
    step("Length of files", rules::lengths)?;
    step("Licences", licences::check)?;
    if options.rules {
        return Ok(());
    }
    crate::setup::for_building()?;
    step("Formatting", || {
        run_command(&mut cargo(&["fmt", "--all", "--check"]))
    })?;
    step("Clippy", || {
        run_command(&mut cargo(&["clippy", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("Clippy for the browser", || {
        let target = crate::workspace::target().join("front");
        let target = target.to_string_lossy().into_owned();
        let arguments = [
            "clippy",
            "--package",
            "frontend",
            "--target",
            "wasm32-unknown-unknown",
            "--target-dir",
            &target,
        ];
        run_command(cargo(&arguments).args(["--", "-D", "warnings"]))
    })
}
