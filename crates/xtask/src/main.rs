//! Builds, runs, tests, measures and checks Pitlane. One file per command, and
//! beside them the steps they share: what is installed ([`setup`]), how the
//! browser's files are made ([`assets`]), how other programs are called
//! ([`process`]).

mod assets;
mod bench;
mod build;
mod chaos;
mod dist;
mod figures;
mod lint;
mod packages;
mod process;
mod python;
mod run;
mod schemathesis;
mod sdk;
mod setup;
mod test;
mod wasm;
mod workspace;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, runs, tests, measures and checks Pitlane"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need, and say what is there
    Setup,
    /// Build all and serve the site
    Run(run::Options),
    /// Build the binary with the site in it
    Build(build::Options),
    /// Run every test, the browser's included
    Test(test::Options),
    /// Check formatting, lints, imports, browser dependencies and licences
    Lint(lint::Options),
    /// Measure speed and memory against floors taken in the same run
    Bench(bench::Options),
    /// Run agents through kills, cuts and faults, and count what was lost, doubled or left
    Chaos(chaos::Options),
    /// Build the release archive
    Dist,
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().command {
        Command::Setup => setup::everything(),
        Command::Run(options) => run::run(&options),
        Command::Build(options) => build::build(options.profile()),
        Command::Test(options) => test::run(&options),
        Command::Lint(options) => lint::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Chaos(options) => chaos::run(&options),
        Command::Dist => dist::archive(),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            process::say(&format!("error: {error:#}"));
            std::process::ExitCode::FAILURE
        }
    }
}
