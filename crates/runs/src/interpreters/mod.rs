//! Interpreters: Pythons that keep their variables from one piece of code (a
//! cell) to the next. Each has a sandbox of its own with its agent's files,
//! packages and variables, and in it one context of the provider's interpreter.
//!
//! ```text
//! open ──row──▶ sandbox ──▶ files, packages, variables ──▶ context ──▶ ready
//!                                                     cell, cell, cell … │
//! row gone ◀── deleted by somebody, unused for too long, its sandbox lost ┘
//!    └──▶ sandbox deleted, by whoever took the row out or by the reaper
//! ```
//! Nothing of it is in the memory of one process: any server on the database
//! can give it the next cell, and a restart ends none. The row is what makes
//! its sandbox wanted, so that none is left behind.

mod cell;
mod ending;
mod opening;
mod reports;
mod runner;

pub use cell::{Cell, CellRun};
pub use opening::NewInterpreter;

pub(crate) use ending::end_unused;

use crate::{Runs, RunsError, masking::Masks};
use daytona::ExecuteRequest;
use model::{AgentId, Interpreter, InterpreterId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::InterpreterPlace;

/// How long the signal that interrupts may take to be sent, in seconds.
const SIGNAL_SECONDS: u64 = 10;
/// Past so many everything known is asked for again.
const MOST_KNOWN: usize = 1000;

/// What this server knows of interpreters it has used, so that it need not ask again.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<InterpreterId, Tools>>);

/// What is needed to give an interpreter a cell.
#[derive(Clone)]
pub(crate) struct Tools {
    toolbox: daytona::Toolbox,
    masks: Arc<Masks>,
    /// The secrets that these masks are for.
    masked: Arc<Vec<String>>,
}

impl Known {
    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<InterpreterId, Tools>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &InterpreterId) -> Option<Tools> {
        self.locked().get(id).cloned()
    }

    fn insert(&self, id: &InterpreterId, tools: Tools) {
        let mut known = self.locked();
        // Those that ended at other servers stay until then.
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(id.clone(), tools);
    }

    fn forget(&self, id: &InterpreterId) {
        self.locked().remove(id);
    }
}

impl Runs {
    /// An interpreter of an agent.
    ///
    /// # Errors
    /// When the agent has none of this id, or it has ended.
    pub async fn interpreter(&self, agent: &AgentId, id: &InterpreterId) -> Result<Interpreter, RunsError> {
        Ok(self.context.store.interpreter(agent, id).await?.interpreter)
    }

    /// An agent's interpreters, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn interpreters(&self, agent: &AgentId) -> Result<Vec<Interpreter>, RunsError> {
        Ok(self.context.store.list_interpreters(agent).await?)
    }

    /// Ends an interpreter with all its variables, and deletes its sandbox.
    ///
    /// # Errors
    /// When the agent has none of this id, or it has ended. What the provider does not delete at once is
    /// left to the reaper.
    pub async fn end_interpreter(&self, agent: &AgentId, id: &InterpreterId) -> Result<(), RunsError> {
        let place = self.context.store.interpreter(agent, id).await?;
        if self.context.store.end_interpreter(id, None).await? {
            ending::clean_up(&self.context, id, &place.sandbox).await;
        }
        Ok(())
    }

    /// Interrupts the cell that runs, as Ctrl+C does: its variables stay.
    ///
    /// # Errors
    /// When there is no such interpreter, nothing runs in it, or the provider does not do its part.
    pub async fn interrupt_interpreter(&self, agent: &AgentId, id: &InterpreterId) -> Result<(), RunsError> {
        let place = self.context.store.interpreter(agent, id).await?;
        let tools = self.tools(&place).await?;
        let signal = ExecuteRequest {
            timeout: Some(SIGNAL_SECONDS),
            ..ExecuteRequest::new(runner::interrupt_command(id))
        };
        let sent = tools.toolbox.execute(signal).await;
        match sent {
            Ok(answer) if answer.exit_code == 0 => Ok(()),
            Ok(_) => Err(RunsError::Conflict(
                "Nothing runs in this interpreter now, so there is nothing to interrupt.".to_owned(),
            )),
            Err(error) => Err(self.trouble(&place, &error).await),
        }
    }

    /// What is needed to give it a cell.
    async fn tools(&self, place: &InterpreterPlace) -> Result<Tools, RunsError> {
        let id = &place.interpreter.id;
        let context = &self.context;
        let (Some(provider_id), Some(masked)) = (&place.provider_id, &place.masked) else {
            return Err(RunsError::Conflict(
                "This interpreter is being made. It is ready in a moment; try again then.".to_owned(),
            ));
        };
        if let Some(tools) = context.interpreters.get(id) {
            return Ok(tools);
        }
        let sandbox = match context.client.get(provider_id).await {
            Ok(sandbox) => sandbox,
            Err(error) => return Err(self.trouble(place, &error).await),
        };
        let toolbox = match context.client.toolbox(&sandbox).await {
            Ok(toolbox) => toolbox,
            Err(error) => return Err(self.trouble(place, &error).await),
        };
        let masked = opening::masked(context, id, masked)?;
        let tools = Tools {
            toolbox,
            masks: context.masks.with(&masked).await,
            masked: Arc::new(masked),
        };
        context.interpreters.insert(id, tools.clone());
        Ok(tools)
    }

    /// What the provider's trouble with an interpreter means; one that is gone there has ended.
    async fn trouble(&self, place: &InterpreterPlace, error: &daytona::Error) -> RunsError {
        let id = &place.interpreter.id;
        if error.is_not_found() || error.is_gone() {
            if self
                .context
                .store
                .end_interpreter(id, None)
                .await
                .unwrap_or(false)
            {
                ending::clean_up(&self.context, id, &place.sandbox).await;
            }
            return RunsError::NotFound(
                "This interpreter has ended: its sandbox is gone. Make another.".to_owned(),
            );
        }
        // Its provider may be somewhere else by now.
        self.context.interpreters.forget(id);
        let words = format!("The interpreter could not be reached: {error}.");
        RunsError::Provider(self.context.masks.own().mask(&words).into_owned())
    }
}
