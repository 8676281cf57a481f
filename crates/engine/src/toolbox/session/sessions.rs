//! The sessions of one sandbox.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use daytona::codes;

use super::command::Command;
use super::shell::Shell;
use crate::fault::Fault;

/// The id Daytona keeps for the container's own entrypoint.
pub(super) const ENTRYPOINT: &str = "entrypoint";
/// Bytes of logs a session's ended commands may keep.
const LOG_SHARE: u64 = 1 << 30;
/// Sessions at the same time.
const LIMIT: usize = 256;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub id: String,
    pub(super) shell: Shell,
    commands: Mutex<Vec<Arc<Command>>>,
}

impl Session {
    fn new(id: String, shell: Shell) -> Arc<Self> {
        Arc::new(Self {
            id,
            shell,
            commands: Mutex::default(),
        })
    }

    fn commands(&self) -> MutexGuard<'_, Vec<Arc<Command>>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a command. The logs of a session's ended commands are kept as long
    /// as they fit its share of the disk, the newest first.
    pub(super) fn add(&self, command: Arc<Command>) {
        let mut commands = self.commands();
        commands.push(command);
        let mut kept = 0;
        for command in commands.iter().rev() {
            kept += command.spool.kept();
            if kept > LOG_SHARE && command.exit_code().is_some() {
                command.spool.remove();
            }
        }
    }

    pub(super) fn command(&self, id: &str) -> Result<Arc<Command>, Fault> {
        let found = self.commands().iter().find(|command| command.id == id).cloned();
        found.ok_or_else(|| {
            Fault::not_found(format!("command not found: {id}")).code(codes::PROCESS_NOT_FOUND)
        })
    }

    /// As the API shows it.
    pub(super) fn describe(&self) -> daytona::Session {
        daytona::Session {
            session_id: self.id.clone(),
            commands: self.commands().iter().map(|command| command.describe()).collect(),
        }
    }
}

/// All sessions, by id. A session that is being made has its id taken.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    all: Mutex<BTreeMap<String, Option<Arc<Session>>>>,
    /// That of what the image starts by itself: to be read, and neither listed
    /// nor used nor ended.
    entrypoint: OnceLock<Arc<Session>>,
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Option<Arc<Session>>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an id for a session that is about to be made.
    pub(super) fn reserve(&self, id: &str) -> Result<Reserved<'_>, Fault> {
        let invalid =
            id.is_empty() || id.len() > 255 || id.chars().any(|letter| letter == '/' || letter.is_control());
        if invalid || id == ENTRYPOINT {
            return Err(Fault::bad_request(format!(
                "The session id {id:?} cannot be used: give a name of up to 255 letters other than {ENTRYPOINT:?}."
            )));
        }
        let mut all = self.all();
        if all.contains_key(id) {
            return Err(Fault::conflict(format!("session already exists: {id}")));
        }
        if all.len() >= LIMIT {
            return Err(Fault::bad_request(format!(
                "This sandbox has {LIMIT} sessions already. Delete one first."
            )));
        }
        all.insert(id.to_owned(), None);
        Ok(Reserved {
            sessions: self,
            id: Some(id.to_owned()),
        })
    }

    /// Keeps the session of the entrypoint, once.
    pub(super) fn keep_entrypoint(&self, shell: Shell) -> &Arc<Session> {
        self.entrypoint
            .get_or_init(|| Session::new(ENTRYPOINT.to_owned(), shell))
    }

    /// The session of the entrypoint, where the image has one.
    pub(super) fn entrypoint(&self) -> Option<&Arc<Session>> {
        self.entrypoint.get()
    }

    /// One to read from, the entrypoint's too.
    pub(super) fn readable(&self, id: &str) -> Result<Arc<Session>, Fault> {
        match self.entrypoint() {
            Some(session) if id == ENTRYPOINT => Ok(Arc::clone(session)),
            _ => self.get(id),
        }
    }

    pub(super) fn get(&self, id: &str) -> Result<Arc<Session>, Fault> {
        let found = self.all().get(id).cloned().flatten();
        found.ok_or_else(|| unknown(id))
    }

    /// Takes the session out, so that nobody else ends it or uses it.
    pub(super) fn take(&self, id: &str) -> Result<Arc<Session>, Fault> {
        let mut all = self.all();
        match all.get(id) {
            Some(Some(_)) => all.remove(id).flatten().ok_or_else(|| unknown(id)),
            _ => Err(unknown(id)),
        }
    }

    pub(super) fn list(&self) -> Vec<Arc<Session>> {
        self.all().values().flatten().cloned().collect()
    }
}

fn unknown(id: &str) -> Fault {
    Fault::not_found(format!("session not found: {id}")).code(codes::PROCESS_NOT_FOUND)
}

/// An id that is taken; free again when dropped unused.
pub(super) struct Reserved<'a> {
    sessions: &'a Sessions,
    id: Option<String>,
}

impl Reserved<'_> {
    /// The session is there.
    pub(super) fn fill(mut self, shell: Shell) {
        if let Some(id) = self.id.take() {
            let session = Session::new(id.clone(), shell);
            self.sessions.all().insert(id, Some(session));
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.sessions.all().remove(&id);
        }
    }
}
