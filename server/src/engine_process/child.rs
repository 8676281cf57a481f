//! One engine process: started, waited for, ended.

use super::EnginePlan;
use crate::failure::Failure;
use engine::lock;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretString;
use std::{
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    process::{ChildStdout, Command},
};
use tokio_util::sync::CancellationToken;

/// How long an engine that was asked to end may take: it ends every sandbox first.
const END_WITHIN: Duration = Duration::from_secs(10);
/// The exit code of an engine that will not start however often it is tried.
pub const REFUSED: u8 = 78;

/// A started engine.
pub struct Child {
    process: tokio::process::Child,
    report: ChildStdout,
}

/// How it ended.
pub enum Outcome {
    /// We ended it.
    Stopped,
    /// It says it will not start, and why.
    Refused(String),
    /// It died, so.
    Died(String),
}

impl Child {
    /// Starts an engine that serves `listener`.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn spawn(plan: &EnginePlan, listener: &TcpListener, key: &SecretString) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("The engine cannot be started: {error}."));
        let socket = OwnedFd::from(listener.try_clone().map_err(failed)?);
        let mut command = Command::new(own_program());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| is_not_for_the_engine(&name.to_string_lossy()))
        {
            command.env_remove(name);
        }
        let mut process = command
            .args(plan.arguments())
            .envs(plan.variables(key))
            .stdin(Stdio::from(socket))
            .stdout(Stdio::piped())
            // A group of its own: Ctrl+C in the terminal is for the server, which then ends it.
            .process_group(0)
            .kill_on_drop(plan.ends_with_us)
            // Not the server's folder: a pitlane.toml there was read already.
            .current_dir("/")
            .spawn()
            .map_err(failed)?;
        let report = process
            .stdout
            .take()
            .ok_or_else(|| Failure::new("The engine was started without its report."))?;
        Ok(Self { process, report })
    }

    /// Waits until it ends by itself, or ends it when `stop` says so.
    pub async fn run_until(mut self, stop: &CancellationToken) -> Outcome {
        tokio::select! {
            status = self.process.wait() => {
                let mut report = String::new();
                let _ = tokio::time::timeout(Duration::from_secs(1), self.report.read_to_string(&mut report)).await;
                outcome(status, report.trim())
            }
            () = stop.cancelled() => {
                self.end().await;
                Outcome::Stopped
            }
        }
    }

    async fn end(&mut self) {
        // Not yet waited for, so that the id is still this process's.
        if let Some(pid) = self
            .process
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
        {
            let _ = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(END_WITHIN, self.process.wait())
            .await
            .is_err()
        {
            tracing::error!(
                "the engine did not end within {} s and was killed",
                END_WITHIN.as_secs()
            );
            if let Err(error) = self.process.kill().await {
                tracing::error!(%error, "the engine cannot be killed");
            }
        }
    }
}

/// The file this process was started from, also when a newer one took its place on the disk.
fn own_program() -> PathBuf {
    std::env::current_exe()
        .ok()
        .filter(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from("/proc/self/exe"))
}

fn outcome(status: std::io::Result<ExitStatus>, report: &str) -> Outcome {
    match status {
        Ok(status) if status.code() == Some(i32::from(REFUSED)) && !report.is_empty() => {
            Outcome::Refused(report.to_owned())
        }
        Ok(status) if report.is_empty() => Outcome::Died(status.to_string()),
        Ok(status) => Outcome::Died(format!("{status}: {report}")),
        Err(error) => Outcome::Died(error.to_string()),
    }
}

/// Keys to other things than sandboxes are nothing the engine needs to hold.
fn is_not_for_the_engine(variable: &str) -> bool {
    variable.starts_with("DAYTONA_")
        || matches!(
            variable,
            "DATABASE_URL"
                | "PITLANE_MASTER_KEY"
                | "PITLANE_NEW_MASTER_KEY"
                | "PITLANE_ADDR"
                | "PITLANE_PUBLIC_URL"
                | "PITLANE_DATA"
        )
}

/// Ends an engine that another process started.
pub async fn end_stranger(data: &Path, pid: u32) {
    let is_there = || lock::read(data).is_some_and(|now| now.pid == pid);
    for signal in [Signal::TERM, Signal::KILL] {
        let Some(process) = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .filter(|_| is_there())
        else {
            return;
        };
        if let Err(error) = kill_process(process, signal) {
            tracing::warn!(%error, pid, "the engine cannot be ended");
            return;
        }
        let until = tokio::time::Instant::now() + END_WITHIN;
        while is_there() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
