//! `cargo xtask run`: build all and serve the site. The server takes this
//! process's place, so that Ctrl+C and the exit code are its own.

use crate::workspace::{Profile, binary, root};
use anyhow::{Context, Result};
use clap::Args;
use std::process::Command;

#[derive(Args)]
pub struct Options {
    /// Build for speed instead of for a short build
    #[arg(long)]
    release: bool,
    /// What is handed on to `pitlane serve`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Builds and serves.
pub fn run(options: &Options) -> Result<()> {
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    crate::build::build(profile)?;
    let mut command = Command::new(binary(profile));
    command.arg("serve").args(&options.arguments).current_dir(root());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(command.exec()).context("starting pitlane")
    }
    #[cfg(not(unix))]
    {
        crate::process::run(&mut command)
    }
}
