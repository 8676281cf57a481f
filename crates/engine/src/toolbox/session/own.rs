//! A command of a session that the engine carries out itself, for what a shell
//! cannot do: to clients it is a command like any other.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::command::Command;
use crate::fault::Fault;
use crate::registry::Live;
use crate::spool::{LIMIT, Spool};
use crate::toolbox::process::Input;

/// Such a command. Dropped before its end is told, it has failed.
pub(in crate::toolbox) struct OwnCommand {
    command: Arc<Command>,
    has_ended: bool,
}

impl OwnCommand {
    /// Adds one to a session.
    pub(in crate::toolbox) fn begin(live: &Live, session: &str, text: String) -> Result<Self, Fault> {
        let session = live.sessions.get(session)?;
        let id = uuid::Uuid::new_v4().to_string();
        let spool = Spool::new(live.spool_folder(), &id, LIMIT);
        let (_, never) = oneshot::channel();
        let command = Command::new(text, true, spool, Input::default(), never, id, session.id.clone());
        command.note(None);
        session.add(Arc::clone(&command));
        Ok(Self {
            command,
            has_ended: false,
        })
    }

    pub(in crate::toolbox) fn id(&self) -> &str {
        &self.command.id
    }

    /// Where what it prints goes.
    pub(in crate::toolbox) fn spool(&self) -> &Spool {
        &self.command.spool
    }

    /// Its end; who has seen the end of its output finds the code.
    pub(in crate::toolbox) fn end(mut self, code: i32) {
        self.finish(code);
    }

    fn finish(&mut self, code: i32) {
        if !self.has_ended {
            self.has_ended = true;
            self.command.set_exit_code(code);
            self.command.spool.complete();
        }
    }
}

impl Drop for OwnCommand {
    fn drop(&mut self) {
        self.finish(1);
    }
}
