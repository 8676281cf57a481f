//! `cargo xtask chaos`: real runs on a real engine, behind a network that fails
//! and in processes that are killed, for as long as is asked for. What happens
//! follows from the seed; the exit code says whether every promise held.
//!
//! The storm itself lives with the fault tests of `crates/runs`, which let a
//! short one pass in `cargo xtask test`.

use crate::process::{cargo, run as run_command, say, step};
use anyhow::Result;
use clap::Args;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Args)]
pub struct Options {
    /// How long it storms; counting at the end comes on top
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// What everything follows from; a new one when it is not given
    #[arg(long)]
    seed: Option<u32>,
}

/// Storms, and fails when a promise broke.
pub fn run(options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.subsec_nanos())
    });
    let (minutes, seed) = (options.minutes.to_string(), seed.to_string());
    say(&format!("The seed is {seed}: give it again with --seed {seed}."));
    step("Chaos", || {
        let arguments = ["test", "--package", "runs", "--test", "faults", "--"];
        let storm = ["chaos", "--minutes", &minutes, "--seed", &seed];
        run_command(cargo(&arguments).args(storm))
    })
}
