//! `cargo xtask build`: the site's files, then the binary.

use crate::process::{cargo, run, say, step};
use crate::workspace::{Profile, binary};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Small and fast, with the site's files in the binary
    #[arg(long)]
    release: bool,
}

impl Options {
    pub const fn profile(&self) -> Profile {
        if self.release {
            Profile::Release
        } else {
            Profile::Debug
        }
    }
}

/// Builds all of it.
pub fn build(profile: Profile) -> Result<()> {
    crate::setup::for_building()?;
    crate::assets::build(profile)?;
    step("The binary", || {
        let mut command = cargo(&["build", "--package", "server", "--bin", "pitlane"]);
        if profile == Profile::Release {
            command.arg("--release");
        }
        run(&mut command)
    })?;
    say(&format!("Built {}", binary(profile).display()));
    Ok(())
}
