//! The log of this process, on standard error. A server that is told SIGHUP
//! reads the level again, as services do; in a terminal that signal says that
//! the terminal was closed, and ends the server like Ctrl+C (see `stopping`).

use crate::{
    command_line::{Command, ServeFlags, SettingFlags},
    configuration::Configuration,
    stopping,
};
use std::io::IsTerminal;
use tokio::signal::unix::SignalKind;
use tracing_subscriber::{EnvFilter, reload};

type Change = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// What is logged, while the process runs.
pub struct Observation {
    usual: &'static str,
    change: Change,
}

/// Starts logging. Servers say what they do; commands only what goes wrong,
/// because their output is for the person who typed them.
pub fn start(configuration: &Configuration, command: &Command) -> Observation {
    let usual = match command {
        Command::Serve(_) | Command::Engine(_) => {
            "warn,pitlane=info,engine=info,runs=info,store=info,daytona=info"
        }
        Command::Run(_) => "off",
        Command::Doctor
        | Command::User { .. }
        | Command::Team { .. }
        | Command::Token { .. }
        | Command::Audit { .. }
        | Command::Secrets { .. } => "error",
    };
    let filter = configuration.log.as_deref().unwrap_or(usual);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter_reloading();
    let handle = builder.reload_handle();
    if let Err(error) = builder.try_init() {
        crate::output::error_line(&format!("pitlane: logging could not be started: {error}"));
    }
    for variable in &configuration.unknown_variables {
        tracing::warn!("The environment sets {variable}, which Pitlane does not know; it has no effect.");
    }
    Observation {
        usual,
        change: Box::new(move |filter| handle.reload(filter)),
    }
}

impl Observation {
    /// Reads the settings again at each SIGHUP, and changes what is logged. A
    /// setting that cannot be used changes nothing. Never ends.
    pub async fn follow_hangups(self, settings: SettingFlags, serve: ServeFlags) {
        let mut hangups = match stopping::receive(SignalKind::hangup()) {
            Ok(signal) => signal,
            Err(failure) => return tracing::warn!("The log level stays as it is. {failure}"),
        };
        while hangups.recv().await.is_some() {
            match Configuration::load(&settings, &serve, false) {
                Ok(configuration) => {
                    let filter = configuration.log.as_deref().unwrap_or(self.usual);
                    match (self.change)(EnvFilter::new(filter)) {
                        Ok(()) => tracing::info!("What is logged was read again: {filter}"),
                        Err(error) => tracing::warn!("The log level could not be changed: {error}."),
                    }
                }
                Err(failure) => tracing::error!("The settings were not read again. {failure}"),
            }
        }
    }
}
