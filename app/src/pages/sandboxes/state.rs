//! What the parts of the Sandboxes page share, and how it stays fresh: asked
//! again every few seconds while somebody looks. Sandboxes change at the
//! provider, which tells nobody.

use crate::{
    UiError,
    api::{self, AgentName, SandboxesData},
    parts::{
        clock::clock_every,
        notices::{Notices, use_notices},
    },
};
use leptos::{prelude::*, task::spawn_local};
use model::{AgentId, ComparedSandbox, Millis, RunId, SandboxName};
use std::{collections::BTreeMap, time::Duration};

/// How often the server is asked.
const REFRESH: Duration = Duration::from_secs(3);

/// What is being done with a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It or the run in it is being stopped.
    Stopping,
    /// It is being archived.
    Archiving,
    /// It is being restored.
    Restoring,
    /// It is being deleted.
    Deleting,
}

/// The page's state. `Copy`: every field is a handle.
#[derive(Clone, Copy)]
pub struct SandboxesState {
    /// The newest answer.
    pub data: RwSignal<SandboxesData>,
    /// Why there is no newer one.
    pub trouble: RwSignal<Option<UiError>>,
    /// Whether a round of the reaper was asked for.
    pub looking: RwSignal<bool>,
    /// What is being done, by the key of the row.
    pub doing: RwSignal<BTreeMap<String, Doing>>,
    /// The sandbox somebody is about to delete.
    pub to_delete: RwSignal<Option<ComparedSandbox>>,
    /// The server's clock, by the second.
    pub now: Signal<Millis>,
    /// Whether whoever looks may stop and delete sandboxes.
    pub may_act: bool,
    loading: RwSignal<bool>,
    notices: Notices,
}

/// Names a row for as long as it is shown.
#[must_use]
pub fn key_of(sandbox: &ComparedSandbox) -> String {
    match sandbox.name() {
        SandboxName::Row(id) => id.to_string(),
        SandboxName::Provider(id) => id,
    }
}

/// The state of this page.
///
/// # Panics
/// Outside of the page, which is a fault of ours.
#[must_use]
pub fn use_sandboxes() -> SandboxesState {
    use_context().expect("the Sandboxes page provides its state to all of its parts")
}

impl SandboxesState {
    pub fn new(data: SandboxesData, may_act: bool) -> Self {
        let first = data.comparison.now;
        let data = RwSignal::new(data);
        let seen = Signal::derive(move || Some(data.with(|data| data.comparison.now)));
        Self {
            data,
            trouble: RwSignal::new(None),
            looking: RwSignal::new(false),
            doing: RwSignal::new(BTreeMap::new()),
            to_delete: RwSignal::new(None),
            now: clock_every(first, Signal::stored(1_000), seen),
            may_act,
            loading: RwSignal::new(false),
            notices: use_notices(),
        }
    }

    /// The rows' keys, in their order.
    pub fn keys(self) -> Vec<String> {
        self.data
            .with(|data| data.comparison.sandboxes.iter().map(key_of).collect())
    }

    /// The row of this key, as long as it is there.
    pub fn row(self, key: &str) -> Option<ComparedSandbox> {
        self.data.with(|data| {
            let mut rows = data.comparison.sandboxes.iter();
            rows.find(|row| key_of(row) == key).cloned()
        })
    }

    /// The agent of this id, unless it was deleted.
    pub fn agent(self, id: &AgentId) -> Option<AgentName> {
        self.data
            .with(|data| data.agents.iter().find(|agent| agent.id == *id).cloned())
    }

    /// The number of a run, unless it was deleted with its agent.
    pub fn run_number(self, id: &RunId) -> Option<i64> {
        self.data.with(|data| {
            let found = data.runs.iter().find(|(run, _)| run == id);
            found.map(|(_, number)| *number)
        })
    }

    /// Asks again and again, while the page is looked at. Browser only.
    pub fn keep_fresh(self) {
        Effect::new(move |_| {
            let ask = move || {
                if !document().hidden() {
                    self.load();
                }
            };
            if let Ok(timer) = set_interval_with_handle(ask, REFRESH) {
                on_cleanup(move || timer.clear());
            }
        });
    }

    /// Asks for the newest state, unless it is being asked for.
    pub fn load(self) {
        if self.loading.try_get_untracked() != Some(false) {
            return;
        }
        let _ = self.loading.try_set(true);
        spawn_local(async move {
            self.fetch().await;
            let _ = self.loading.try_set(false);
        });
    }

    async fn fetch(self) {
        match api::load_sandboxes().await {
            Ok(data) => {
                let _ = self.data.try_set(data);
                let _ = self.trouble.try_set(None);
            }
            Err(error) => {
                let _ = self.trouble.try_set(Some(error));
            }
        }
    }

    /// Has the reaper look now.
    pub fn look_again(self) {
        if self.looking.get_untracked() {
            return;
        }
        self.looking.set(true);
        spawn_local(async move {
            match api::look_again().await {
                Ok(()) => self.fetch().await,
                Err(error) => self.notices.fail(&error),
            }
            let _ = self.looking.try_set(false);
        });
    }

    /// Stops the run in it, or the sandbox when the ledger does not know it.
    pub fn stop(self, sandbox: &ComparedSandbox) {
        self.act(sandbox, Doing::Stopping, "is stopped", api::stop_sandbox);
    }

    /// Puts it away with its files.
    pub fn archive(self, sandbox: &ComparedSandbox) {
        self.act(sandbox, Doing::Archiving, "is archived", api::archive_sandbox);
    }

    /// Brings it back for the next run.
    pub fn restore(self, sandbox: &ComparedSandbox) {
        let done = "stands ready for the next run";
        self.act(sandbox, Doing::Restoring, done, api::restore_sandbox);
    }

    /// Deletes it.
    pub fn delete(self, sandbox: &ComparedSandbox) {
        self.act(sandbox, Doing::Deleting, "is deleted", api::delete_sandbox);
    }

    fn act<F>(
        self,
        sandbox: &ComparedSandbox,
        doing: Doing,
        done: &'static str,
        ask: impl FnOnce(SandboxName) -> F + 'static,
    ) where
        F: Future<Output = Result<(), UiError>> + 'static,
    {
        let (key, name, short) = (key_of(sandbox), sandbox.name(), short_id(sandbox));
        let goes_on = sandbox.run_goes_on;
        self.doing.update(|all| {
            all.insert(key.clone(), doing);
        });
        spawn_local(async move {
            match ask(name).await {
                // A run tells by itself when it has ended.
                Ok(()) if doing == Doing::Stopping && goes_on => {
                    self.notices
                        .say(format!("The run in sandbox {short} was told to end."));
                }
                Ok(()) => self.notices.say(format!("Sandbox {short} {done}.")),
                Err(error) => self.notices.fail(&error),
            }
            self.fetch().await;
            let _ = self.doing.try_update(|all| all.remove(&key));
        });
    }
}

/// Enough of the id to tell it from the others.
#[must_use]
pub fn short_id(sandbox: &ComparedSandbox) -> String {
    sandbox.id().chars().take(8).collect()
}
