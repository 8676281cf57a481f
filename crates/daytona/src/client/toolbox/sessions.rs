//! Sessions: shells that live across commands, and programs that run in the
//! background with their log kept.

use super::{LogFollow, Toolbox};
use crate::client::Error;
use crate::extension::{ENDED_HEADER, GRACE_MS, LEFT_HEADER, PACKAGES};
use crate::{
    Command, CommandLogs, CreateSession, InputRequest, InstallPackages, Session, SessionExecuteRequest,
    SessionExecuteResponse,
};
use http::{HeaderMap, Method};
use std::time::Duration;

/// The largest log that is read whole.
const LOG_LIMIT: usize = 512 * 1024 * 1024;
/// How long the end of a session's processes may take, the grace aside;
/// Daytona itself gives them 5 s.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// What the end of a session came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionEnd {
    /// How many processes were ended; only the embedded engine counts.
    pub ended: Option<u32>,
    /// How many are left, counted after the end; only the embedded engine counts.
    pub left: Option<u32>,
}

impl Toolbox {
    /// Opens a session under an id of the caller's choice.
    ///
    /// # Errors
    /// 409 when it exists.
    pub async fn create_session(&self, session: &str) -> Result<(), Error> {
        let request = CreateSession {
            session_id: session.to_owned(),
        };
        self.client
            .perform(self.call(Method::POST, &["process", "session"])?.json(&request)?)
            .await
    }

    /// A session and its commands.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn session(&self, session: &str) -> Result<Session, Error> {
        self.client
            .fetch(self.call(Method::GET, &["process", "session", session])?)
            .await
    }

    /// All sessions.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_sessions(&self) -> Result<Vec<Session>, Error> {
        self.client
            .fetch(self.call(Method::GET, &["process", "session"])?)
            .await
    }

    /// The session of what the sandbox's image starts by itself.
    ///
    /// # Errors
    /// 404 when it starts nothing.
    pub async fn entrypoint_session(&self) -> Result<Session, Error> {
        self.session("entrypoint").await
    }

    /// What that has said so far.
    ///
    /// # Errors
    /// 404 when it starts nothing.
    pub async fn entrypoint_logs(&self) -> Result<CommandLogs, Error> {
        let call = self.call(Method::GET, &["process", "session", "entrypoint", "logs"])?;
        self.client.fetch(call.timeout(None).limit(LOG_LIMIT)).await
    }

    /// Runs a command in the session's shell, after those before it. With
    /// `run_async` the answer has the command's id alone and comes at once;
    /// else it comes at the command's end, however long that takes.
    ///
    /// # Errors
    /// 404 when the session does not exist, 410 when its shell has ended.
    pub async fn session_exec(
        &self,
        session: &str,
        request: SessionExecuteRequest,
    ) -> Result<SessionExecuteResponse, Error> {
        let call = self
            .call(Method::POST, &["process", "session", session, "exec"])?
            .json(&request)?;
        let call = match request.run_async {
            Some(true) => call,
            _ => call.timeout(None).limit(LOG_LIMIT),
        };
        self.client.fetch(call).await
    }

    /// Gives the sandbox the packages of a list, as a command of a session that
    /// is followed like any other. Only the embedded engine has it, see
    /// [`crate::PitlaneFacts::packages`].
    ///
    /// # Errors
    /// 400 when the list names files of its project: then it has to be
    /// installed there. 404 when the session does not exist.
    pub async fn install_packages(&self, request: &InstallPackages) -> Result<SessionExecuteResponse, Error> {
        self.client
            .fetch(self.call(Method::POST, &PACKAGES)?.json(request)?)
            .await
    }

    /// A command, with its exit code once it has ended.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn session_command(&self, session: &str, command: &str) -> Result<Command, Error> {
        let path = ["process", "session", session, "command", command];
        self.client.fetch(self.call(Method::GET, &path)?).await
    }

    /// A command's whole log so far. [`crate::wire::Markers`] takes `output`
    /// apart in the order of the lines.
    ///
    /// # Errors
    /// 404 when there is none; [`Error::TooLarge`] past 512 MiB.
    pub async fn session_logs(&self, session: &str, command: &str) -> Result<CommandLogs, Error> {
        let path = ["process", "session", session, "command", command, "logs"];
        // A long log takes its time; the caller may give up at any time.
        self.client
            .fetch(self.call(Method::GET, &path)?.timeout(None).limit(LOG_LIMIT))
            .await
    }

    /// Follows a command's log from a byte of its merged output, until the
    /// command has ended and all was delivered.
    ///
    /// # Errors
    /// 404 when there is no such command.
    pub async fn follow_logs(
        &self,
        session: &str,
        command: &str,
        from_offset: u64,
    ) -> Result<LogFollow, Error> {
        LogFollow::open(self.clone(), session, command, from_offset).await
    }

    /// Gives a running command input.
    ///
    /// # Errors
    /// 410 when the command has ended.
    pub async fn session_input(
        &self,
        session: &str,
        command: &str,
        input: InputRequest,
    ) -> Result<(), Error> {
        let path = ["process", "session", session, "command", command, "input"];
        self.client
            .perform(self.call(Method::POST, &path)?.json(&input)?)
            .await
    }

    /// Ends a session and everything started in it: SIGTERM, and SIGKILL after
    /// the grace (the server's own when not given; Daytona has 5 s). Its log
    /// goes with it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_session(&self, session: &str, grace: Option<Duration>) -> Result<SessionEnd, Error> {
        let mut call = self.call(Method::DELETE, &["process", "session", session])?;
        if let Some(grace) = grace {
            call = call.query(GRACE_MS, &grace.as_millis().to_string());
        }
        let call = call.timeout(Some(END_TIMEOUT.saturating_add(grace.unwrap_or_default())));
        let reply = self.client.exchange(&call).await?;
        Ok(SessionEnd {
            ended: count(&reply.headers, ENDED_HEADER),
            left: count(&reply.headers, LEFT_HEADER),
        })
    }
}

fn count(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
