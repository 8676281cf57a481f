//! The contexts of one sandbox.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daytona::codes;

use super::context::Context;
use crate::fault::Fault;
use crate::registry::Live;

/// The context of those who name none.
const DEFAULT: &str = "default";
/// Contexts at the same time.
const LIMIT: usize = 64;

/// All contexts, by id.
#[derive(Debug)]
pub(crate) struct Contexts {
    all: Mutex<BTreeMap<String, Arc<Context>>>,
    idle: Duration,
}

impl Contexts {
    /// Contexts that nobody uses for `idle` end.
    pub(crate) fn new(idle: Duration) -> Self {
        Self {
            all: Mutex::default(),
            idle,
        }
    }

    pub(super) fn idle_limit(&self) -> Duration {
        self.idle
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Context>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a context; its worker is there when this returns.
    pub(super) async fn create(&self, live: &Arc<Live>, cwd: String) -> Result<Arc<Context>, Fault> {
        let id = uuid::Uuid::new_v4().to_string();
        let context = {
            let mut all = self.all();
            if all.len() >= LIMIT {
                return Err(Fault::bad_request(format!(
                    "This sandbox has {LIMIT} contexts already. Delete one first."
                )));
            }
            let context = Context::new(live, id.clone(), cwd);
            all.insert(id, Arc::clone(&context));
            context
        };
        // Taken back also when nobody waits for it any more.
        let unstarted = Unstarted {
            contexts: self,
            context: Some(&context),
        };
        context.start().await?;
        unstarted.keep();
        Ok(context)
    }

    /// The context with this id, or the default one.
    pub(super) fn find(&self, live: &Arc<Live>, id: Option<&str>) -> Option<Arc<Context>> {
        let mut all = self.all();
        match id {
            Some(id) if id != DEFAULT => all.get(id).cloned(),
            _ => {
                let made = all
                    .entry(DEFAULT.to_owned())
                    .or_insert_with(|| Context::new(live, DEFAULT.to_owned(), live.resolve("")));
                Some(Arc::clone(made))
            }
        }
    }

    /// All but the default one, oldest first.
    pub(super) fn list(&self) -> Vec<daytona::InterpreterContext> {
        let all = self.all();
        let others = all.values().filter(|context| context.id != DEFAULT);
        let mut list: Vec<_> = others.map(|context| context.describe()).collect();
        list.sort_by(|one, other| one.created_at.cmp(&other.created_at));
        list
    }

    pub(super) fn delete(&self, id: &str) -> Result<(), Fault> {
        if id == DEFAULT {
            return Err(Fault::bad_request("cannot delete default context"));
        }
        let context = self.all().remove(id).ok_or_else(|| {
            Fault::not_found(format!("context with ID '{id}' not found")).code(codes::PROCESS_NOT_FOUND)
        })?;
        context.delete();
        Ok(())
    }

    /// Takes out a context that has ended, unless another has its id by now.
    pub(super) fn forget(&self, context: &Arc<Context>) {
        let mut all = self.all();
        if all
            .get(&context.id)
            .is_some_and(|known| Arc::ptr_eq(known, context))
        {
            all.remove(&context.id);
        }
    }
}

struct Unstarted<'a> {
    contexts: &'a Contexts,
    context: Option<&'a Arc<Context>>,
}

impl Unstarted<'_> {
    fn keep(mut self) {
        self.context = None;
    }
}

impl Drop for Unstarted<'_> {
    fn drop(&mut self) {
        if let Some(context) = self.context {
            context.delete();
            self.contexts.forget(context);
        }
    }
}
