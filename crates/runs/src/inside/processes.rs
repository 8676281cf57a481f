//! Background processes of a sandbox: each a session of its own with one
//! command, so that ending it ends everything it started. Sessions of runs are
//! none of these, and are not shown.

use super::check_text;
use crate::{Runs, RunsError};
use daytona::{Session, SessionExecuteRequest};
use model::{ProcessLog, SandboxName, SandboxProcess};

/// What the sessions of processes begin with.
const PREFIX: &str = "process-";
/// The longest command, in bytes.
const LONGEST: usize = 64 * 1024;

impl Runs {
    /// Starts a process in a sandbox, and does not wait for it.
    ///
    /// # Errors
    /// When there is no such sandbox, or it is not started.
    pub async fn start_process(
        &self,
        name: &SandboxName,
        command: &str,
    ) -> Result<SandboxProcess, RunsError> {
        check_text("The command", command, LONGEST)?;
        let toolbox = self.reach(name).await?;
        let id = format!("{PREFIX}{}", uuid::Uuid::now_v7());
        toolbox
            .create_session(&id)
            .await
            .map_err(|error| self.told(error))?;
        let request = SessionExecuteRequest {
            command: command.to_owned(),
            run_async: Some(true),
            suppress_input_echo: Some(true),
        };
        if let Err(error) = toolbox.session_exec(&id, request).await {
            // Nothing is left of a process that did not start.
            let _ = toolbox.delete_session(&id, None).await;
            return Err(self.told(error));
        }
        Ok(SandboxProcess {
            id,
            command: command.to_owned(),
            exit_code: None,
        })
    }

    /// The processes that were started so, newest first.
    ///
    /// # Errors
    /// When there is no such sandbox, or it is not started.
    pub async fn processes(&self, name: &SandboxName) -> Result<Vec<SandboxProcess>, RunsError> {
        let sessions = self.reach(name).await?.list_sessions().await;
        let sessions = sessions.map_err(|error| self.told(error))?;
        let mut processes: Vec<_> = sessions.into_iter().filter_map(process).collect();
        processes.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(processes)
    }

    /// What a process has written so far.
    ///
    /// # Errors
    /// When there is no such process.
    pub async fn process_log(&self, name: &SandboxName, id: &str) -> Result<ProcessLog, RunsError> {
        check(id)?;
        let toolbox = self.reach(name).await?;
        let session = toolbox.session(id).await.map_err(|error| self.told(error))?;
        let command = session.commands.first().ok_or_else(missing)?;
        let log = toolbox.session_logs(id, &command.id).await;
        let log = log.map_err(|error| self.told(error))?;
        Ok(ProcessLog {
            stdout: log.stdout,
            stderr: log.stderr,
        })
    }

    /// Ends a process and all it started, and forgets it with its log.
    ///
    /// # Errors
    /// When there is no such process.
    pub async fn stop_process(&self, name: &SandboxName, id: &str) -> Result<(), RunsError> {
        check(id)?;
        let ended = self.reach(name).await?.delete_session(id, None).await;
        ended.map(drop).map_err(|error| self.told(error))
    }
}

fn process(session: Session) -> Option<SandboxProcess> {
    session.session_id.strip_prefix(PREFIX)?;
    let command = session.commands.into_iter().next()?;
    Some(SandboxProcess {
        id: session.session_id,
        command: command.command,
        exit_code: command.exit_code,
    })
}

/// Refuses what is no process of these: a run is stopped in its own way.
fn check(id: &str) -> Result<(), RunsError> {
    let uuid = id
        .strip_prefix(PREFIX)
        .and_then(|id| uuid::Uuid::parse_str(id).ok());
    uuid.map(drop).ok_or_else(missing)
}

fn missing() -> RunsError {
    RunsError::NotFound("There is no such process in this sandbox. Was it stopped already?".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_of_these_are_named() {
        assert!(check(&format!("{PREFIX}{}", uuid::Uuid::now_v7())).is_ok());
        for other in ["", "run", "process-", "process-../x", "entrypoint"] {
            assert!(check(other).is_err(), "{other}");
        }
    }
}
