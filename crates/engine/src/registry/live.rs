//! A sandbox that runs, as the toolbox's calls see it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::Activity;
use crate::sandbox::{Sandbox, SandboxSpec};
use crate::toolbox::{Contexts, Sessions, Terminals};

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub cpu: u32,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
}

impl Limits {
    pub(crate) fn of(spec: &SandboxSpec) -> Self {
        Self {
            cpu: spec.cpu,
            memory_bytes: spec.memory_bytes,
            disk_bytes: spec.disk_bytes,
        }
    }
}

/// A running sandbox, its sessions, terminals and interpreters, and where its logs are spooled.
#[derive(Debug)]
pub(crate) struct Live {
    pub sandbox: Sandbox,
    pub sessions: Sessions,
    pub terminals: Terminals,
    pub contexts: Contexts,
    pub activity: Arc<Activity>,
    pub limits: Limits,
    environment: RwLock<BTreeMap<String, String>>,
    temporary: String,
    spool: PathBuf,
    runs: AtomicU64,
}

impl Live {
    pub(crate) fn new(
        sandbox: Sandbox,
        env: &BTreeMap<String, String>,
        limits: Limits,
        activity: Arc<Activity>,
        spool: PathBuf,
        contexts: Contexts,
    ) -> Arc<Self> {
        let mut environment: BTreeMap<_, _> = sandbox.base_env().into_iter().collect();
        environment.extend(env.clone());
        Arc::new(Self {
            sandbox,
            sessions: Sessions::default(),
            terminals: Terminals::default(),
            contexts,
            activity,
            limits,
            temporary: environment
                .get("TMPDIR")
                .map_or("/tmp", String::as_str)
                .to_owned(),
            environment: RwLock::new(environment),
            spool,
            runs: AtomicU64::new(0),
        })
    }

    /// The environment of every program in it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Changes the environment of every program that is started later; not at
    /// all when `change` fails.
    pub(crate) fn change_environment<E>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut environment = self.environment.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = environment.clone();
        change(&mut changed)?;
        *environment = changed;
        Ok(())
    }

    /// The shell that commands are given to.
    pub(crate) fn shell(&self) -> &'static str {
        "bash"
    }

    /// A path inside: a relative one is below the home folder, which is also
    /// the working directory.
    pub(crate) fn resolve(&self, path: &str) -> String {
        let path = path.strip_prefix("~/").unwrap_or(path);
        match path {
            "" | "~" | "." => self.sandbox.home().to_owned(),
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            relative => format!("{}/{relative}", self.sandbox.home()),
        }
    }

    /// The folder for short-lived files inside.
    pub(crate) fn temporary(&self) -> &str {
        &self.temporary
    }

    /// Where its logs are, on the host.
    pub(crate) fn spool_folder(&self) -> PathBuf {
        self.spool.clone()
    }

    /// A file name for the output of a program that is no session's command.
    pub(crate) fn next_spool_name(&self, kind: &str) -> String {
        format!("{kind}-{}", self.runs.fetch_add(1, Ordering::Relaxed))
    }
}
