//! The binary `pitlane`: the site, the engine, a run in the terminal, and what
//! an operator needs. This is the only crate that knows all others.
#![recursion_limit = "256"]

mod audit_command;
mod backup_command;
mod command_line;
mod configuration;
mod connections;
mod doctor;
mod engine_command;
mod engine_process;
mod failure;
mod listening;
mod metrics;
mod migrate_command;
mod observation;
mod observed;
mod operator;
mod output;
mod provider;
mod readiness;
mod restore_command;
mod secrets_command;
mod serve;
mod site;
mod stopping;
mod team_command;
mod terminal;
mod token_command;
mod traces;
mod transfer_words;
mod user_command;

use clap::Parser;
use command_line::{Arguments, Command, ServeFlags};
use configuration::Configuration;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before any thread and any allocation worth naming: this process becomes
    // the one that forks sandboxes.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == "sandboxd")
    {
        engine::sandbox::sandboxd_main();
    }
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(failure) => {
            output::error_line(&format!("pitlane: {failure}"));
            ExitCode::from(failure.code)
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let command = arguments.command.unwrap_or(Command::Serve(arguments.serve));
    let serve_flags = match &command {
        Command::Serve(flags) => flags.clone(),
        _ => ServeFlags::default(),
    };
    let uses_database = !matches!(command, Command::Run(_) | Command::Engine(_));
    let configuration = Configuration::load(&arguments.settings, &serve_flags, uses_database)?;
    let observation = observation::start(&configuration, &command);
    // In a terminal a hangup is its end.
    let hangups =
        (!stopping::in_terminal()).then(|| observation.follow_hangups(arguments.settings, serve_flags));
    operator::acting(&command.clone(), || act(command, configuration, hangups))
}

/// Does what was asked for.
fn act(
    command: Command,
    configuration: Configuration,
    hangups: Option<impl Future<Output = ()> + Send + 'static>,
) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(_) => serve::run(&configuration, hangups)?,
        Command::Audit { command } => audit_command::run(&configuration, command)?,
        Command::Run(flags) => return Ok(terminal::run(configuration, flags)),
        Command::Engine(flags) => return engine_command::run(&configuration, flags, hangups),
        Command::Doctor(flags) => return doctor::run(&configuration, &flags),
        Command::Backup(flags) => backup_command::run(&configuration, &flags)?,
        Command::Restore(flags) => restore_command::run(&configuration, &flags)?,
        Command::MigrateData(flags) => migrate_command::run(&configuration, &flags)?,
        Command::Secrets { command } => secrets_command::run(&configuration, command)?,
        Command::Team { command } => team_command::run(&configuration, command)?,
        Command::Token { command } => token_command::run(&configuration, command)?,
        Command::User { command } => user_command::run(&configuration, command)?,
    }
    Ok(ExitCode::SUCCESS)
}
