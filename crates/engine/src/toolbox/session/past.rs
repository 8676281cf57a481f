//! Sessions of an engine that was killed: their shells died with it, but what
//! their commands printed is on disk, and beside each log a note says whose it
//! is. They can be read, like a session that has ended, until their sandbox is
//! stopped or deleted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::sessions::ENTRYPOINT;
use crate::spool::Spool;

/// The longest note that is read: a command's text is bounded by its request.
const LONGEST: u64 = 16 << 20;
/// How a command ended that was there when its engine was killed: SIGKILL.
const KILLED: i32 = 137;

/// What is written beside the log of a command.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub session: String,
    pub command: String,
    pub text: String,
    pub exit_code: Option<i32>,
    /// When it was given to its shell, in milliseconds since 1970.
    pub at_ms: i64,
}

impl Note {
    fn describe(&self) -> daytona::Command {
        daytona::Command {
            id: self.command.clone(),
            command: self.text.clone(),
            exit_code: Some(self.exit_code.unwrap_or(KILLED)),
        }
    }
}

/// What an earlier engine left of a sandbox's sessions.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    folder: PathBuf,
}

impl Past {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// All sessions, or the one of that id.
    pub(super) async fn sessions(self, id: Option<String>) -> Vec<daytona::Session> {
        let notes = tokio::task::spawn_blocking(move || self.notes())
            .await
            .unwrap_or_default();
        let mut sessions = BTreeMap::<String, Vec<daytona::Command>>::new();
        for (_, note) in notes {
            // The entrypoint's is shown only to who asks for it.
            let is_wanted = match &id {
                Some(id) => *id == note.session,
                None => note.session != ENTRYPOINT,
            };
            if is_wanted {
                sessions
                    .entry(note.session.clone())
                    .or_default()
                    .push(note.describe());
            }
        }
        let session = |(session_id, commands)| daytona::Session { session_id, commands };
        sessions.into_iter().map(session).collect()
    }

    /// A command and its log.
    pub(super) async fn command(self, session: String, id: String) -> Option<(daytona::Command, Arc<Spool>)> {
        let find = move || {
            let (log, note) = self
                .notes()
                .into_iter()
                .find(|(_, note)| note.session == session && note.command == id)?;
            Some((note.describe(), Spool::found(self.folder, &log)))
        };
        tokio::task::spawn_blocking(find).await.ok().flatten()
    }

    /// The notes with the names of the logs they are of, in the order in which
    /// the commands were given.
    fn notes(&self) -> Vec<(String, Note)> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let paths = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        let read = |path: PathBuf| -> Option<(String, Note)> {
            let is_short = std::fs::metadata(&path).ok()?.len() <= LONGEST;
            let note = serde_json::from_slice(&std::fs::read(&path).ok().filter(|_| is_short)?).ok()?;
            Some((path.file_stem()?.to_str()?.to_owned(), note))
        };
        let mut notes: Vec<(String, Note)> = paths.filter_map(read).collect();
        notes.sort_by(|(_, one), (_, other)| (one.at_ms, &one.command).cmp(&(other.at_ms, &other.command)));
        notes
    }
}
