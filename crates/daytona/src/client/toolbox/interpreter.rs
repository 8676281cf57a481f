//! The stateful Python: one that keeps its variables between runs.

use super::channel::{Channel, Received};
use super::{Toolbox, socket};
use crate::client::Error;
use crate::{
    CreateContext, InterpreterContext, InterpreterContexts, InterpreterMessage, InterpreterMessageKind,
    InterpreterRun,
};
use http::{HeaderMap, Method};
use tokio_tungstenite::tungstenite::Message;

/// The close code of a run that came to its end.
const COMPLETE: u16 = 1000;
/// The most text of a run that is collected.
const TEXT_LIMIT: usize = 64 * 1024 * 1024;

/// A run, with what it says as it says it. Dropping it does not end the run: it
/// has a timeout for that.
#[derive(Debug)]
pub struct CodeRun {
    channel: Channel,
    over: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeRunOutcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exception that ended it.
    pub error: Option<InterpreterMessage>,
}

impl CodeRun {
    /// The next message; none when the run has ended. After an error there is
    /// no more. May be dropped at any time without loss; also keeps the
    /// connection alive.
    pub async fn next(&mut self) -> Option<Result<InterpreterMessage, Error>> {
        if self.over {
            return None;
        }
        let next = self.receive().await;
        self.over = !matches!(next, Some(Ok(_)));
        next
    }

    async fn receive(&mut self) -> Option<Result<InterpreterMessage, Error>> {
        let received = match self.channel.next().await {
            Ok(received) => received,
            Err(error) => return Some(Err(error)),
        };
        let call = self.channel.label().to_owned();
        Some(match received {
            Received::Closed { code: COMPLETE, .. } => return None,
            Received::Closed { code, reason } => Err(Error::SocketClosed { call, code, reason }),
            Received::Text(bytes) | Received::Binary(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| Error::Malformed {
                    call,
                    reason: error.to_string(),
                })
            }
        })
    }

    /// Waits for the end and collects what is said until then.
    ///
    /// # Errors
    /// As of [`CodeRun::next`]; [`Error::TooLarge`] past 64 MiB of text.
    pub async fn outcome(mut self) -> Result<CodeRunOutcome, Error> {
        let mut outcome = CodeRunOutcome::default();
        while let Some(message) = self.next().await {
            let message = message?;
            match message.kind {
                InterpreterMessageKind::Stdout => outcome.stdout.push_str(&message.text),
                InterpreterMessageKind::Stderr => outcome.stderr.push_str(&message.text),
                InterpreterMessageKind::Error => outcome.error = Some(message),
                _ => {}
            }
            if outcome.stdout.len() + outcome.stderr.len() > TEXT_LIMIT {
                return Err(Error::TooLarge {
                    call: self.channel.label().to_owned(),
                    limit: TEXT_LIMIT,
                });
            }
        }
        Ok(outcome)
    }
}

impl Toolbox {
    /// Runs code in a context, after those before it. An exception is part of
    /// what the run says, not an error; a run whose time was over ends with
    /// [`Error::is_execution_timeout`].
    ///
    /// # Errors
    /// As every call; that there is no such context, the first message says.
    pub async fn run_code(&self, run: &InterpreterRun) -> Result<CodeRun, Error> {
        let call = self.call(Method::GET, &["process", "interpreter", "execute"])?;
        let label = call.label.clone();
        let text = serde_json::to_string(run)
            .map_err(|error| Error::Config(format!("{label} cannot be written as JSON: {error}.")))?;
        let (socket, _) = socket::open(&self.client, call, HeaderMap::new()).await?;
        let channel = Channel::new(label, socket);
        channel.sender().send(Message::text(text)).await?;
        Ok(CodeRun { channel, over: false })
    }

    /// Makes a context with variables of its own.
    ///
    /// # Errors
    /// 400 for another language than Python.
    pub async fn create_context(&self, request: &CreateContext) -> Result<InterpreterContext, Error> {
        let call = self.call(Method::POST, &["process", "interpreter", "context"])?;
        self.client.fetch(call.json(request)?).await
    }

    /// All contexts but the default one.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_contexts(&self) -> Result<Vec<InterpreterContext>, Error> {
        let call = self.call(Method::GET, &["process", "interpreter", "context"])?;
        let answer: InterpreterContexts = self.client.fetch(call).await?;
        Ok(answer.contexts)
    }

    /// Ends a context and what runs in it.
    ///
    /// # Errors
    /// 404 when there is none, 400 for the default one.
    pub async fn delete_context(&self, id: &str) -> Result<(), Error> {
        self.client
            .perform(self.call(Method::DELETE, &["process", "interpreter", "context", id])?)
            .await
    }
}
