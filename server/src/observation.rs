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
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

type Change = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object in each line.
    Json,
}

impl LogFormat {
    /// The word of the setting.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Text, Self::Json]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| "text or json is needed.".to_owned())
    }
}

/// Reads a filter of what is logged.
pub fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|_| {
        "error, warn, info, debug, trace or a filter such as info,runs=debug is needed.".to_owned()
    })
}

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
        _ => "error",
    };
    let filter = configuration.log.as_deref().unwrap_or(usual);
    let (filter, handle) = reload::Layer::new(EnvFilter::new(filter));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match configuration.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        // The fields beside the message, as collectors of logs expect them.
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_ansi(false)
            .boxed(),
    };
    if let Err(error) = Registry::default().with(filter).with(lines).try_init() {
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
