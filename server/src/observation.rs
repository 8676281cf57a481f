//! The log of this process, on standard error.

use crate::{command_line::Command, configuration::Configuration};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. Servers say what they do; commands only what goes wrong,
/// because their output is for the person who typed them.
pub fn start(configuration: &Configuration, command: &Command) {
    let usual = match command {
        Command::Serve(_) | Command::Engine(_) => {
            "warn,pitlane=info,engine=info,runs=info,store=info,daytona=info"
        }
        Command::Run(_) => "off",
        Command::Doctor | Command::User { .. } => "error",
    };
    let filter = configuration.log.as_deref().unwrap_or(usual);
    let started = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    if let Err(error) = started {
        crate::output::error_line(&format!("pitlane: logging could not be started: {error}"));
    }
    for variable in &configuration.unknown_variables {
        tracing::warn!("The environment sets {variable}, which Pitlane does not know; it has no effect.");
    }
}
