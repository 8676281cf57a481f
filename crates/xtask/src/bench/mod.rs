//! `cargo xtask bench`: speed and memory, each figure beside a floor or a
//! budget taken in the same run, so that a slow machine changes both.
//!
//! The measuring itself is done from outside the binary, as a client and as a
//! browser, by the scripts in `end2end/bench`; each prints JSON lines. Here
//! the release binary is built, the scripts are run, and the table is drawn.

mod table;

use crate::process::{program, say, step};
use crate::workspace::{Profile, binary, root, target};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::process::Stdio;

#[derive(Args)]
pub struct Options {
    /// Only the figures whose name begins so
    name: Option<String>,
    /// Measure the binary that is there
    #[arg(long)]
    no_build: bool,
}

/// One figure.
#[derive(Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what: `ms`, `MB`, `KB`, `lines/s`.
    pub unit: String,
    /// The floor or budget in the same unit, from the same run.
    pub floor: f64,
    /// `value / floor`.
    pub ratio: f64,
    /// What the floor is, and the ratio aimed for.
    #[serde(default)]
    pub note: String,
}

/// Builds, measures, and prints the table and the JSON lines.
pub fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        crate::build::build(Profile::Release)?;
        crate::setup::for_testing()?;
    }
    let chromium = crate::setup::chromium()?;
    let figures = step("Measuring", || measure(options.name.as_deref(), &chromium))?;
    let lines = figures
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?
        .join("\n");
    std::fs::write(target().join("bench.jsonl"), format!("{lines}\n"))?;
    say(&table::draw(&figures));
    table::print(&lines)
}

fn measure(name: Option<&str>, chromium: &std::path::Path) -> Result<Vec<Figure>> {
    let mut command = program("node", &["bench/main.mjs"], &root().join("end2end"));
    command
        .args(name)
        .env("PITLANE_BINARY", binary(Profile::Release))
        .env("PITLANE_CHROMIUM", chromium);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("starting node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("the measuring scripts ended with {}\n{text}", output.status);
    }
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("reading {line}")))
        .collect()
}
