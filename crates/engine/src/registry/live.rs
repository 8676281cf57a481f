//! A sandbox that runs, as the toolbox's calls see it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Activity;
use crate::sandbox::{Sandbox, SandboxSpec};
use crate::toolbox::{Contexts, Servers, Sessions, Terminals};

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

/// With what a sandbox begins to run.
pub(crate) struct Settings {
    pub env: BTreeMap<String, String>,
    pub limits: Limits,
    /// Where programs start that name no folder; none is the home.
    pub work_dir: Option<String>,
    /// Variables that hold secrets.
    pub secrets: BTreeMap<String, String>,
    /// Where its logs are spooled.
    pub spool: PathBuf,
}

/// A running sandbox, its sessions, terminals, interpreters and language servers, and where its logs are spooled.
pub(crate) struct Live {
    pub sandbox: Sandbox,
    pub sessions: Sessions,
    pub terminals: Terminals,
    pub contexts: Contexts,
    pub lsp: Servers,
    pub activity: Arc<Activity>,
    limits: Mutex<Limits>,
    /// Where programs start that name no folder.
    work_dir: String,
    environment: RwLock<BTreeMap<String, String>>,
    /// Variables that hold secrets; they win over the environment.
    secrets: Mutex<BTreeMap<String, String>>,
    temporary: String,
    spool: PathBuf,
    runs: AtomicU64,
    /// Its programs stand still.
    held: AtomicBool,
}

impl std::fmt::Debug for Live {
    /// Without the environment, which holds secrets.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Live")
            .field("sandbox", &self.sandbox)
            .field("limits", &self.limits)
            .field("work_dir", &self.work_dir)
            .finish_non_exhaustive()
    }
}

impl Live {
    pub(crate) fn new(
        sandbox: Sandbox,
        settings: Settings,
        activity: Arc<Activity>,
        contexts: Contexts,
    ) -> Arc<Self> {
        let Settings {
            env,
            limits,
            work_dir,
            secrets,
            spool,
        } = settings;
        let mut environment: BTreeMap<_, _> = sandbox.base_env().into_iter().collect();
        environment.extend(env);
        Arc::new(Self {
            work_dir: work_dir.unwrap_or_else(|| sandbox.home().to_owned()),
            sandbox,
            sessions: Sessions::default(),
            terminals: Terminals::default(),
            contexts,
            lsp: Servers::default(),
            activity,
            limits: Mutex::new(limits),
            secrets: Mutex::new(secrets),
            temporary: environment
                .get("TMPDIR")
                .map_or("/tmp", String::as_str)
                .to_owned(),
            environment: RwLock::new(environment),
            spool,
            runs: AtomicU64::new(0),
            held: AtomicBool::new(false),
        })
    }

    /// The environment of every program in it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let environment = self.environment.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = environment.clone();
        drop(environment);
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(secrets.clone());
        all.into_iter().collect()
    }

    /// Other secrets for programs that start from now on.
    pub(crate) fn set_secrets(&self, secrets: BTreeMap<String, String>) {
        *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// What it may use now.
    pub(crate) fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_limits(&self, limits: Limits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// Whether its programs stand still, so that nothing can be asked of them.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    pub(crate) fn set_held(&self, held: bool) {
        self.held.store(held, Ordering::Release);
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

    /// A path inside: a relative one is below the working directory, which is
    /// the home folder unless its image says otherwise.
    pub(crate) fn resolve(&self, path: &str) -> String {
        let home = self.sandbox.home();
        match path {
            "" | "." => self.work_dir.clone(),
            "~" => home.to_owned(),
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            relative => match relative.strip_prefix("~/") {
                Some(below) => format!("{home}/{below}"),
                None => format!("{}/{relative}", self.work_dir.trim_end_matches('/')),
            },
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
