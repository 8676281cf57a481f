//! `pitlane engine`: the Daytona-compatible server alone. Started so by hand,
//! or by `serve` and `run`, which hand over their socket.

use crate::{
    command_line::EngineFlags,
    configuration::{self, Configuration},
    engine_process::{self, REFUSED},
    failure::Failure,
    output, stopping,
};
use engine::{EngineConfig, EngineError};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::{
    net::{SocketAddr, TcpListener},
    os::fd::AsFd,
    process::ExitCode,
    time::Duration,
};

/// Serves the engine until it is told to end. `hangups` is what goes on beside it.
///
/// # Errors
/// When it cannot start.
pub fn run(
    configuration: &Configuration,
    flags: EngineFlags,
    hangups: Option<impl Future<Output = ()> + Send + 'static>,
) -> Result<ExitCode, Failure> {
    if let Some(parent) = flags.ends_with {
        end_with(parent)?;
    }
    let is_child = flags.listen_on_stdin;
    let listener = if is_child {
        inherited()?
    } else {
        bound(&flags.addr)?
    };
    let addr = listener
        .local_addr()
        .map_err(|error| Failure::new(format!("The socket has no address: {error}.")))?;
    let (api_key, is_ours) = match flags.api_key {
        Some(key) => (key, false),
        None => (engine_process::fresh_key()?, true),
    };
    let data_dir = flags
        .engine_data
        .unwrap_or_else(|| configuration.data.join("engine"));
    let runtime_dir = match flags.runtime {
        Some(folder) => Some(folder),
        None if is_child => None,
        None => crate::site::runtime_folder(&data_dir)?,
    };
    let settings = &configuration.engine;
    let mut config = EngineConfig {
        isolation: settings.isolation,
        network_default: settings.network.clone(),
        sandbox_env: settings.sandbox_env.clone(),
        sandbox_files: settings.sandbox_files.clone(),
        packages_bytes: settings.packages_bytes,
        runtime_dir,
        python: settings.python.clone(),
        node: settings.node.clone(),
        warm: settings.warm,
        images: settings.images.clone(),
        image_substitution: settings.image_substitution,
        rate_limits: settings.rate_limits,
        context_idle: settings.context_idle,
        ssh_addr: settings.ssh_addr,
        orphan_grace: flags.orphan_grace.map(Duration::from_secs),
        ..EngineConfig::new(addr, &api_key, data_dir)
    };
    if let Some(domain) = &settings.preview_domain {
        config.preview_domain.clone_from(domain);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    hangups.map(|hangups| runtime.spawn(hangups));
    let ended = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|error| Failure::new(format!("The socket cannot be listened on: {error}.")))?;
        let shutdown = stopping::on_signals()?;
        if !is_child {
            greet(addr, is_ours.then_some(api_key.as_str()));
        }
        match engine::serve(config, listener, shutdown).await {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) if is_child => Ok(report(&error)),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

fn greet(addr: SocketAddr, key: Option<&str>) {
    output::line(&format!("The engine serves Daytona's API at http://{addr}/api"));
    if let Some(key) = key {
        output::line(&format!("Its key is {key}"));
        output::line(&format!(
            "Point the SDKs at it: DAYTONA_API_URL=http://{addr}/api DAYTONA_API_KEY={key}"
        ));
    }
}

/// Says to `serve` why the engine ended; it is the one that logs. The exit
/// code tells what no second start would mend.
fn report(error: &EngineError) -> ExitCode {
    output::line(&error.to_string());
    let is_final = matches!(
        error,
        EngineError::Isolation(_) | EngineError::DataDirectory { .. } | EngineError::Held { .. }
    );
    ExitCode::from(if is_final { REFUSED } else { 1 })
}

fn bound(addr: &str) -> Result<TcpListener, Failure> {
    let addr = configuration::listen_address(addr).map_err(|why| {
        Failure::unusable(format!(
            "--addr is \u{201c}{addr}\u{201d}, which cannot be used: {why}"
        ))
    })?;
    crate::listening::bind(addr, "--addr")
}

/// The listening socket that was handed over as standard input.
fn inherited() -> Result<TcpListener, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("Standard input is no listening socket: {error}."));
    let listener = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Has the kernel end this process when the one that started it ends.
fn end_with(parent: i32) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::TERM)).map_err(|error| {
        Failure::new(format!(
            "The kernel cannot tie the engine to its caller: {error}."
        ))
    })?;
    // It may have ended before we asked.
    if getppid().map(Pid::as_raw_pid) == Some(parent) {
        Ok(())
    } else {
        Err(Failure::new("The process that started the engine is gone."))
    }
}
