//! Where a run's program is found again by another process of ours.

use crate::book::{Book, until_done};
use model::{RunId, RunState, StopProof};
use serde::{Deserialize, Serialize};
use store::{Attachment, Store};

/// What the session is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Packages are installed; the program has not begun.
    Packages,
    /// The program was about to begin, or has.
    Program,
}

/// Written before a command is started and again when its id is known, so that
/// a process that takes the run up knows whether the program may have begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handle {
    pub(crate) stage: Stage,
    /// The provider's id of the command, once it is known.
    pub(crate) command: Option<String>,
    /// The offset in the run's log where the command's output begins.
    pub(crate) base: u64,
    /// Why the program is being ended, once it was asked for: a process that takes the run up goes on with it.
    #[serde(default)]
    pub(crate) ending: Option<RunState>,
    /// How the run will end, once that is certain and only the clean-up is left.
    #[serde(default)]
    pub(crate) end: Option<KnownEnd>,
}

/// How a run ends, with everything that can only be learned once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownEnd {
    pub(crate) state: RunState,
    pub(crate) reason: Option<String>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) stop: Option<StopProof>,
    pub(crate) exact: bool,
}

/// The provider's session of a run: made from its id, so that it is known before it exists.
pub(crate) fn session_of(run: &RunId) -> String {
    format!("run-{run}")
}

impl Handle {
    /// A command that is about to be started.
    pub(crate) fn intended(stage: Stage, base: u64) -> Self {
        Self {
            stage,
            command: None,
            base,
            ending: None,
            end: None,
        }
    }

    /// Writes it. Returns when it is in the database; false when it never will be, because the run is
    /// another server's now or gone.
    pub(crate) async fn save(&self, book: &Book) -> bool {
        let run = book.run();
        let command = match serde_json::to_string(self) {
            Ok(json) => json,
            Err(error) => {
                tracing::error!(%run, %error, "the place of a program cannot be written");
                return false;
            }
        };
        let attachment = Attachment {
            session: session_of(run),
            command,
        };
        book.attach(&attachment).await
    }

    /// Reads it; none when nothing was started for the run.
    pub(crate) async fn load(store: &Store, run: &RunId) -> Option<Self> {
        let attachment = until_done(run, "where its program is", || store.attachment(run))
            .await
            .ok()??;
        match serde_json::from_str(&attachment.command) {
            Ok(handle) => Some(handle),
            Err(error) => {
                tracing::error!(%run, %error, "the place of a program cannot be read");
                None
            }
        }
    }
}
