//! Sandboxes, so that none is ever forgotten.
//!
//! ```text
//! intended ──▶ in use ──▶ idle ──▶ in use …
//!     │           │         │
//!     └───────────┴─────────┴──▶ deleting ──▶ deleted (the provider confirmed it)
//! ```
//! One that is idle may be put away for longer, and brought back: [`archiving`].
//! The row is written before the provider is asked, and carries an id that is
//! also a label of the sandbox: whatever happens in between, the sandbox is
//! found by it. A row is only `deleted` once the provider says that it is gone.

mod archiving;
mod create;
mod delete;
mod deletions;
mod keep;
mod manifest;
mod sync;

pub(crate) use archiving::LEFT_AFTER_MS;
pub(crate) use create::Asked;
pub(crate) use delete::GONE_TIMEOUT;
pub(crate) use manifest::Manifest;

use crate::RunsConfig;
use deletions::Deletions;
use model::{AgentId, SandboxId, SandboxRecord};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};
use store::{Replica, Store};
use tokio_util::task::TaskTracker;

/// The label that says which installation a sandbox belongs to.
pub(crate) const INSTANCE_LABEL: &str = "pitlane.instance";
/// The label that says which row of ours it is.
pub(crate) const SANDBOX_LABEL: &str = "pitlane.sandbox";
pub(crate) const AGENT_LABEL: &str = "pitlane.agent";
pub(crate) const RUN_LABEL: &str = "pitlane.run";

/// How many sandboxes are seen to at once.
pub(crate) const AT_ONCE: usize = 8;

/// A sandbox that a run holds, or that waits for one.
pub(crate) struct Held {
    pub(crate) record: SandboxRecord,
    pub(crate) sandbox: daytona::Sandbox,
    pub(crate) toolbox: daytona::Toolbox,
    /// Whether it stood already when the run took it.
    pub(crate) reused: bool,
}

/// The place of an agent's idle sandbox.
#[derive(Default)]
struct Slot {
    held: tokio::sync::Mutex<Option<Held>>,
    /// Whether a sync waits to begin: what changes until then goes with it.
    sync_waits: AtomicBool,
}

/// All sandboxes of this installation.
pub(crate) struct Sandboxes {
    config: RunsConfig,
    store: Store,
    replica: Replica,
    client: daytona::Client,
    tasks: TaskTracker,
    slots: Mutex<HashMap<AgentId, Arc<Slot>>>,
    manifests: Mutex<HashMap<SandboxId, Manifest>>,
    deletions: Deletions,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sandboxes {
    pub(crate) fn new(
        config: RunsConfig,
        store: Store,
        replica: Replica,
        client: daytona::Client,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            config,
            store,
            replica,
            client,
            tasks,
            slots: Mutex::default(),
            manifests: Mutex::default(),
            deletions: Deletions::default(),
        }
    }

    fn slot(&self, agent: &AgentId) -> Arc<Slot> {
        Arc::clone(locked(&self.slots).entry(agent.clone()).or_default())
    }

    /// What we have put into a sandbox.
    pub(crate) fn manifest(&self, id: &SandboxId) -> Manifest {
        locked(&self.manifests).get(id).cloned().unwrap_or_default()
    }

    /// Changes what we know of its content.
    pub(crate) fn note(&self, id: &SandboxId, change: impl FnOnce(&mut Manifest)) {
        change(locked(&self.manifests).entry(id.clone()).or_default());
    }

    fn forget(&self, id: &SandboxId) {
        locked(&self.manifests).remove(id);
    }

    /// The label that finds the sandboxes of this installation.
    pub(crate) fn instance_labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(INSTANCE_LABEL.to_owned(), self.config.instance.clone())])
    }

    fn labels_of(&self, id: &SandboxId) -> BTreeMap<String, String> {
        let mut labels = self.instance_labels();
        labels.insert(SANDBOX_LABEL.to_owned(), id.to_string());
        labels
    }

    /// Whether a sandbox the provider names is one of this installation. Checked again on every one, as
    /// a provider that ignores the labels of a list would otherwise make us delete what is not ours.
    pub(crate) fn is_ours(&self, sandbox: &daytona::Sandbox) -> bool {
        sandbox.labels.get(INSTANCE_LABEL) == Some(&self.config.instance)
    }
}
