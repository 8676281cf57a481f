//! `pitlane run`: the main job in a terminal. The same runs, store and client
//! as the site's, on a folder that is gone afterwards; only the reader differs.

mod collect;
mod follow;
mod input;
mod report;
mod workspace;

use crate::{
    command_line::RunFlags, configuration::Configuration, engine_process::EnginePlan, failure::Failure,
    output, provider::Sandboxes, site, stopping,
};
use collect::Program;
use engine::lock;
use follow::Ending;
use model::{AgentSettings, InstanceRole, RunId, TeamId};
use runs::{Runs, RunsConfig, StartRun};
use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use store::Store;
use tokio::signal::unix::SignalKind;
use tokio_util::sync::CancellationToken;
use workspace::Workspace;

/// The exit code when Pitlane itself failed: one no program of its own uses.
const OWN_FAILURE: u8 = 125;

/// Runs the program, and gives its exit code.
pub fn run(configuration: Configuration, flags: RunFlags) -> ExitCode {
    // One thread: the engine is told to end with the thread that started it.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Failure::new(format!("No threads can be started: {error}."))),
    };
    let code = match runtime.block_on(run_program(configuration, &flags)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failed(&failure),
    };
    // A read of standard input may wait for ever on a thread of its own.
    runtime.shutdown_background();
    code
}

fn failed(failure: &Failure) -> ExitCode {
    output::error_line(&format!("pitlane: {failure}"));
    ExitCode::from(OWN_FAILURE)
}

async fn run_program(configuration: Configuration, flags: &RunFlags) -> Result<u8, Failure> {
    let began = Instant::now();
    let program = collect::program(&flags.path, flags.entrypoint.as_deref())?;
    let settings = settings(&program, flags)?;
    let folder = Workspace::create()?;
    let sandboxes = Sandboxes::open(&configuration, || plan(&configuration, folder.path()))?;
    let force = CancellationToken::new();
    let ended = tokio::select! {
        biased;
        () = force.cancelled() => Ok(None),
        sentence = refused(&sandboxes) => Err(Failure::new(sentence)),
        ended = follow_program(&configuration, flags, program, settings, &sandboxes, folder.path(), &force) => ended.map(Some),
    };
    if let Some(engine) = sandboxes.engine {
        match &ended {
            Ok(Some(_)) | Err(_) => engine.stop().await,
            Ok(None) => engine.kill(),
        }
    }
    folder.remove();
    let Some(ending) = ended? else { return Ok(130) };
    report::end(&ending, flags, began.elapsed());
    Ok(ending.exit_code())
}

/// Waits for the engine to refuse.
async fn refused(sandboxes: &Sandboxes) -> String {
    match &sandboxes.engine {
        Some(engine) => engine.refused().await,
        None => std::future::pending().await,
    }
}

fn settings(program: &Program, flags: &RunFlags) -> Result<AgentSettings, Failure> {
    let mut settings = AgentSettings::new(&program.name, "", program.language);
    settings.entrypoint = Some(program.entrypoint.to_string());
    if let Some(seconds) = flags.timeout {
        settings.timeout_seconds = seconds;
    }
    settings.check().map_err(|error| Failure::unusable(error.0))
}

/// The engine of the data folder when one runs and its network is as asked
/// for, else one of our own, which ends with us.
fn plan(configuration: &Configuration, folder: &std::path::Path) -> Result<EnginePlan, Failure> {
    let shared = configuration.data.join("engine");
    let is_shared = configuration.engine.network.is_off() && lock::read(&shared).is_some();
    let mut settings = configuration.engine.clone();
    // One sandbox is all it will be asked for.
    settings.warm = 0;
    Ok(EnginePlan {
        data: if is_shared { shared } else { folder.join("engine") },
        runtime: site::runtime_folder(folder)?,
        settings,
        log: Some(configuration.log.clone().unwrap_or_else(|| "off".to_owned())),
        log_format: configuration.log_format,
        ends_with_us: true,
    })
}

async fn follow_program(
    configuration: &Configuration,
    flags: &RunFlags,
    program: Program,
    settings: AgentSettings,
    sandboxes: &Sandboxes,
    folder: &std::path::Path,
    force: &CancellationToken,
) -> Result<Ending, Failure> {
    let said = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let store = Store::open(&format!("sqlite://{}", folder.join("run.db").display()))
        .await
        .map_err(|error| said(&error))?;
    let owner = store
        .create_user("terminal", InstanceRole::Owner, None)
        .await
        .map_err(|error| said(&error))?;
    let agent = store
        .create_agent(&TeamId::first(), &owner.id, &settings, &program.files)
        .await
        .map_err(|error| said(&error))?;
    let config = RunsConfig {
        // Its readers are us: nothing of the output is to be left out.
        log_limit: 1 << 40,
        concurrency: 1,
        stop_grace: configuration.stop_grace,
        own_secrets: sandboxes.keys.clone(),
        ..RunsConfig::new(format!("terminal-{}", uuid::Uuid::new_v4()), sandboxes.provider)
    };
    let runs = Runs::open(config, store.clone(), sandboxes.client.clone())
        .await
        .map_err(|error| said(&error))?;
    let id = RunId::generate();
    let request = StartRun {
        id: id.clone(),
        agent: agent.id,
        args: flags.arguments.clone(),
        timeout_seconds: None,
        fresh: true,
        person: None,
        trigger: model::Trigger::default(),
        in_studio: false,
    };
    runs.start(request).await.map_err(|error| said(&error))?;
    let interrupted = Arc::new(std::sync::OnceLock::new());
    stop_on_signals(runs.clone(), id.clone(), interrupted.clone(), force.clone())?;
    let ending = follow::to_the_end(&runs, &store, &id, report::Progress::new(flags)).await?;
    // The database is not closed in good order: it is thrown away with its folder.
    runs.shutdown().await;
    Ok(Ending {
        signal_code: interrupted.get().copied(),
        ..ending
    })
}

/// The first signal asks the program to end, the second ends everything at once.
fn stop_on_signals(
    runs: Runs,
    id: RunId,
    interrupted: Arc<std::sync::OnceLock<u8>>,
    force: CancellationToken,
) -> Result<(), Failure> {
    let mut interrupt = stopping::receive(SignalKind::interrupt())?;
    let mut terminate = stopping::receive(SignalKind::terminate())?;
    tokio::spawn(async move {
        let code = stopping::next(&mut interrupt, &mut terminate).await;
        let _ = interrupted.set(u8::try_from(code).unwrap_or(130));
        let stop = async {
            if let Err(error) = runs.stop(&id).await {
                output::error_line(&format!("pitlane: {error}"));
            }
            // It ends the process; should that not come about, a second signal does.
            tokio::time::sleep(Duration::from_secs(3600)).await;
        };
        tokio::select! {
            () = stop => {}
            _ = stopping::next(&mut interrupt, &mut terminate) => {}
        }
        force.cancel();
    });
    Ok(())
}
