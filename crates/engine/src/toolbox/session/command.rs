//! A command of a session.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::{Mutex, oneshot, watch};

use super::past::Note;
use crate::clock;
use crate::spool::Spool;
use crate::toolbox::process::Input;

/// A command: its text, its log, its input, and its exit code once it has one.
#[derive(Debug)]
pub(crate) struct Command {
    pub id: String,
    session: String,
    at_ms: i64,
    pub text: String,
    /// Input given to it stays out of its log.
    pub quiet_input: bool,
    pub spool: Arc<Spool>,
    pub input: Mutex<Input>,
    /// Ready when the shell has opened the command's pipes, or never will.
    opened: Opened,
    exit: watch::Sender<Option<i32>>,
}

struct Opened(Shared<BoxFuture<'static, ()>>);

impl std::fmt::Debug for Opened {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Opened").field(&self.0.peek().is_some()).finish()
    }
}

impl Command {
    pub(super) fn new(
        text: String,
        quiet_input: bool,
        spool: Arc<Spool>,
        input: Input,
        is_open: oneshot::Receiver<()>,
        id: String,
        session: String,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            session,
            at_ms: clock::now_ms(),
            text,
            quiet_input,
            spool,
            input: Mutex::new(input),
            opened: Opened(is_open.map(drop).boxed().shared()),
            exit: watch::Sender::new(None),
        })
    }

    /// The exit code; there only when all output is in the log.
    pub(super) fn exit_code(&self) -> Option<i32> {
        *self.exit.borrow()
    }

    pub(super) fn set_exit_code(&self, code: i32) {
        self.note(Some(code));
        self.exit.send_replace(Some(code));
    }

    /// Notes beside its log whose it is, for an engine that finds it.
    pub(super) fn note(&self, exit_code: Option<i32>) {
        let note = Note {
            session: self.session.clone(),
            command: self.id.clone(),
            text: self.text.clone(),
            exit_code,
            at_ms: self.at_ms,
        };
        let text = serde_json::to_vec(&note).expect("a note of plain fields serializes");
        self.spool.note(&text);
    }

    /// Waits until the shell has opened the command's pipes. Before that the
    /// end of its input must not be given.
    pub(super) async fn opened(&self) {
        self.opened.0.clone().await;
    }

    /// Waits for the exit code.
    pub(super) async fn finished(&self) -> i32 {
        let mut exit = self.exit.subscribe();
        // The sender lives in `self`, so the wait ends with a code.
        exit.wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|code| *code)
            .unwrap_or(-1)
    }

    /// As the API shows it.
    pub(super) fn describe(&self) -> daytona::Command {
        daytona::Command {
            id: self.id.clone(),
            command: self.text.clone(),
            exit_code: self.exit_code(),
        }
    }
}
