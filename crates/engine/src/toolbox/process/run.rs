//! One program from start to end: its input given, its output spooled, its
//! time limit kept.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{oneshot, watch};

use super::{Input, Late, Pipes, pump};
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{Exit, Process, SandboxError, Spawn, StdinKind};
use crate::spool::{LIMIT, Spool};

/// What to run.
#[derive(Debug)]
pub(in crate::toolbox) struct Program {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
    /// Its whole standard input.
    pub input: Vec<u8>,
    /// It is ended with everything it started after so long.
    pub limit: Option<Duration>,
}

/// How it came out.
#[derive(Debug)]
pub(in crate::toolbox) struct Finished {
    pub exit_code: i32,
    /// What it printed, in order of arrival.
    pub spool: Arc<Spool>,
}

/// Resolves when a program has ended, or its whole sandbox has.
pub(in crate::toolbox) async fn ended(mut exit: watch::Receiver<Option<Exit>>) -> Option<Exit> {
    exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit)
}

/// Runs a program to its end.
///
/// # Errors
/// When it could not be started or its time was up; then it is ended first.
pub(in crate::toolbox) async fn run(live: &Arc<Live>, program: Program) -> Result<Finished, RunFault> {
    to_end(live, program, true).await
}

/// The same with its two streams kept apart in the spool, for a program whose
/// answer is read by us.
///
/// # Errors
/// As [`run`].
pub(in crate::toolbox) async fn run_apart(live: &Arc<Live>, program: Program) -> Result<Finished, RunFault> {
    to_end(live, program, false).await
}

async fn to_end(live: &Arc<Live>, program: Program, merge_stderr: bool) -> Result<Finished, RunFault> {
    let mut process = live
        .sandbox
        .spawn(Spawn {
            argv: program.argv,
            env: program.env,
            cwd: program.cwd,
            stdin: StdinKind::Pipe,
            merge_stderr,
        })
        .await
        .map_err(RunFault::Start)?;
    if let Some(stdin) = process.stdin.take() {
        let bytes = program.input;
        tokio::spawn(async move {
            let Ok(mut input) = Input::new(stdin) else { return };
            if let Err(error) = input.write(&bytes).await {
                tracing::debug!(%error, "a program did not take its whole input");
            }
        });
    }
    attend(live, process, program.limit).await
}

/// Sees a running program to its end, also when nobody waits for that any more.
///
/// # Errors
/// When its time was up; then it is ended first.
pub(in crate::toolbox) async fn attend(
    live: &Arc<Live>,
    process: Process,
    limit: Option<Duration>,
) -> Result<Finished, RunFault> {
    let live = Arc::clone(live);
    let attending = tokio::spawn(async move { see_through(&live, process, limit).await });
    let lost = |_| RunFault::Start(SandboxError::System("The program's output was lost".into()));
    attending.await.map_err(lost)?
}

async fn see_through(live: &Live, process: Process, limit: Option<Duration>) -> Result<Finished, RunFault> {
    let spool = Spool::new(live.spool_folder(), &live.next_spool_name("run"), LIMIT);
    let Process {
        pid,
        stdout,
        stderr,
        exit,
        ..
    } = process;
    let (flushed, all_there) = oneshot::channel();
    let pumped = Arc::clone(&spool);
    tokio::spawn(pump(
        Pipes { stdout, stderr },
        pumped,
        Late::Dropped,
        ended(exit),
        |exit| {
            // Nobody waits any more when the time was up.
            let _ = flushed.send(exit);
        },
    ));
    let limit = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        exit = all_there => {
            let exit = exit.map_err(|_| RunFault::Start(SandboxError::System("The program's output was lost".into())))?;
            Ok(Finished { exit_code: exit.map_or(-1, Exit::shell_code), spool })
        }
        () = limit => {
            let ended = live.sandbox.end_tree(&[pid], Duration::ZERO).await.map_err(RunFault::Start)?;
            tracing::debug!(ended = ended.ended, left = ended.left, "a program's time was up");
            Err(RunFault::TimedOut)
        }
    }
}

/// Why a program did not come to its own end.
#[derive(Debug)]
pub(in crate::toolbox) enum RunFault {
    /// It could not be started.
    Start(SandboxError),
    /// Its time was up.
    TimedOut,
}

impl From<RunFault> for Fault {
    fn from(fault: RunFault) -> Self {
        match fault {
            RunFault::Start(error) => error.into(),
            RunFault::TimedOut => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "request timeout: command execution timeout",
            )
            .code(daytona::codes::PROCESS_EXECUTION_TIMEOUT),
        }
    }
}
