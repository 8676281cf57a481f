//! The engine as a process of its own, from the server's side: found again
//! when one runs on the data folder, else started; started again when it dies;
//! ended with a polite stop of the server.
//!
//! The server opens the listening socket and hands it to each engine it starts
//! as standard input. The address so stays the same across restarts, and what
//! is asked in between waits in the socket's queue instead of failing.

mod child;
mod refusing;

use crate::{configuration::EngineSettings, failure::Failure, observation::LogFormat};
pub use child::REFUSED;
use child::{Child, Outcome};
use engine::{lock, sandbox::IsolationChoice};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fs::Permissions,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How often an engine that is not our child is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// An engine that lived so long did not die of its start.
const SETTLED: Duration = Duration::from_secs(30);
/// The longest wait before the next start of one that keeps dying.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How an engine is to be started.
#[derive(Clone, Debug)]
pub struct EnginePlan {
    /// Where it keeps its things.
    pub data: PathBuf,
    /// What is bound into sandboxes.
    pub runtime: Option<PathBuf>,
    /// How it makes sandboxes.
    pub settings: EngineSettings,
    /// What it logs.
    pub log: Option<String>,
    /// How it writes it.
    pub log_format: LogFormat,
    /// Whether it ends as soon as this process does, however that happens.
    pub ends_with_us: bool,
}

/// How the engine is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum EngineState {
    /// It runs, as far as we know.
    Up,
    /// It refuses to start, for this reason.
    Refused(String),
}

/// The engine that this process uses.
pub struct EngineProcess {
    /// Where it is reached.
    pub addr: SocketAddr,
    /// Its key.
    pub key: SecretString,
    state: watch::Receiver<EngineState>,
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

impl EngineProcess {
    /// Finds the engine that runs on the plan's data folder, or starts one.
    /// Returns before it is up: requests wait for it.
    ///
    /// # Errors
    /// When no socket can be opened or no process started.
    pub fn find_or_start(plan: EnginePlan) -> Result<Self, Failure> {
        if let Some(found) = lock::read(&plan.data)
            && let Ok(key) = found.key()
        {
            tracing::info!(pid = found.pid, addr = %found.addr, "the engine that runs already is used");
            if found.version != env!("CARGO_PKG_VERSION") {
                tracing::warn!(
                    version = found.version,
                    "the running engine is of another version; stop it to have it replaced"
                );
            }
            return Ok(Self::keep(found.addr, key.into(), |key, stop, state| {
                adopt(plan, found, key, stop, state)
            }));
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .map_err(|error| Failure::new(format!("No socket can be opened for the engine: {error}.")))?;
        let addr = listener
            .local_addr()
            .map_err(|error| Failure::new(format!("The engine's socket has no address: {error}.")))?;
        let key = SecretString::from(fresh_key()?);
        plan.prepare_folder()?;
        let first = Child::spawn(&plan, &listener, &key)?;
        Ok(Self::keep(addr, key, |key, stop, state| {
            supervise(plan, listener, Some(first), key, stop, state)
        }))
    }

    fn keep<F: Future<Output = ()> + Send + 'static>(
        addr: SocketAddr,
        key: SecretString,
        keeper: impl FnOnce(SecretString, CancellationToken, watch::Sender<EngineState>) -> F,
    ) -> Self {
        let (sender, state) = watch::channel(EngineState::Up);
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keeper(key.clone(), stop.clone(), sender));
        Self {
            addr,
            key,
            state,
            stop,
            keeper,
        }
    }

    /// The base of its API.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.addr)
    }

    /// Waits for its refusal to start, if there is one: the reason.
    pub async fn refused(&self) -> String {
        let mut state = self.state.clone();
        match state
            .wait_for(|state| matches!(state, EngineState::Refused(_)))
            .await
            .as_deref()
        {
            Ok(EngineState::Refused(sentence)) => sentence.clone(),
            // Its keeper is gone, and with it every refusal that could come.
            _ => std::future::pending().await,
        }
    }

    /// Ends it, and returns when it is gone.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.keeper.await {
            tracing::error!(%error, "the engine's keeper failed");
        }
    }

    /// Ends it at once, if it is ours alone: its sandboxes are ended by the death of it.
    pub fn kill(self) {
        self.keeper.abort();
    }

    /// Leaves it running.
    pub fn leave(self) {
        self.keeper.abort();
    }
}

/// Looks after an engine that an earlier server started. When it dies, ours takes its address.
async fn adopt(
    plan: EnginePlan,
    found: lock::EngineRecord,
    key: SecretString,
    stop: CancellationToken,
    state: watch::Sender<EngineState>,
) {
    loop {
        tokio::select! {
            // One that a run in a terminal borrowed stays its server's.
            () = stop.cancelled() => return if !plan.ends_with_us { child::end_stranger(&plan.data, found.pid).await },
            () = tokio::time::sleep(LOOK) => {}
        }
        if lock::read(&plan.data).is_some_and(|now| now.pid == found.pid) {
            continue;
        }
        if plan.ends_with_us {
            return stop.cancelled().await;
        }
        tracing::error!(
            pid = found.pid,
            "the engine ended; its sandboxes with it. It is started again."
        );
        match TcpListener::bind(found.addr) {
            Ok(listener) => return supervise(plan, listener, None, key, stop, state).await,
            Err(error) => {
                tracing::error!(%error, addr = %found.addr, "the engine's address cannot be taken; tried again")
            }
        }
    }
}

/// Keeps an engine running on this socket until it is to stop.
async fn supervise(
    plan: EnginePlan,
    listener: TcpListener,
    mut first: Option<Child>,
    key: SecretString,
    stop: CancellationToken,
    state: watch::Sender<EngineState>,
) {
    let mut wait = Duration::from_millis(100);
    loop {
        let started = Instant::now();
        let outcome = match first
            .take()
            .map_or_else(|| Child::spawn(&plan, &listener, &key), Ok)
        {
            Ok(child) => child.run_until(&stop).await,
            Err(failure) => Outcome::Died(failure.sentence),
        };
        match outcome {
            Outcome::Stopped => return,
            Outcome::Refused(sentence) => {
                tracing::error!("{sentence}");
                state.send_replace(EngineState::Refused(sentence.clone()));
                return refusing::answer(listener, sentence, stop).await;
            }
            Outcome::Died(how) => {
                if started.elapsed() > SETTLED {
                    wait = Duration::from_millis(100);
                }
                tracing::error!(
                    how,
                    wait_ms = wait.as_millis(),
                    "the engine ended; its sandboxes with it. It is started again."
                );
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                }
            }
        }
    }
}

/// A key nobody can guess.
///
/// # Errors
/// When the system gives no randomness.
pub fn fresh_key() -> Result<String, Failure> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("The system gives no randomness: {error}.")))?;
    Ok(format!("plk_{}", hex::encode(bytes)))
}

impl EnginePlan {
    /// Without namespaces a sandbox's user comes to its home by the host's own
    /// path, and so must be let through the folders above, which nobody may
    /// list all the same.
    fn prepare_folder(&self) -> Result<(), Failure> {
        if !matches!(
            self.settings.isolation,
            IsolationChoice::Landlock | IsolationChoice::UnsafeNone
        ) {
            return Ok(());
        }
        let let_through = |folder: &Path| std::fs::set_permissions(folder, Permissions::from_mode(0o711));
        std::fs::create_dir_all(&self.data)
            .and_then(|()| let_through(&self.data))
            .and_then(|()| self.data.parent().map_or(Ok(()), let_through))
            .map_err(|error| Failure::new(format!("{} cannot be prepared: {error}.", self.data.display())))
    }

    /// The arguments of the process.
    fn arguments(&self) -> Vec<std::ffi::OsString> {
        let settings = &self.settings;
        let mut arguments: Vec<std::ffi::OsString> = vec![
            "engine".into(),
            "--listen-on-stdin".into(),
            "--engine-data".into(),
            self.data.clone().into(),
        ];
        if let Some(runtime) = &self.runtime {
            arguments.extend(["--runtime".into(), runtime.clone().into()]);
        }
        if self.ends_with_us {
            arguments.extend(["--ends-with".into(), std::process::id().to_string().into()]);
        } else {
            arguments.extend([
                "--orphan-grace".into(),
                settings.orphan_grace.as_secs().to_string().into(),
            ]);
        }
        arguments
    }

    /// Its settings, as variables: what the server read from flags and files holds for its engine too.
    fn variables(&self, key: &SecretString) -> Vec<(&'static str, std::ffi::OsString)> {
        let settings = &self.settings;
        let choice = serde_json::to_value(settings.isolation)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned));
        let mut variables = vec![
            ("PITLANE_ENGINE_KEY", key.expose_secret().into()),
            ("PITLANE_ISOLATION", choice.unwrap_or_default().into()),
            ("PITLANE_NETWORK", settings.network.to_string().into()),
            ("PITLANE_WARM", settings.warm.to_string().into()),
            ("PITLANE_IMAGES", settings.images.to_string().into()),
            (
                "PITLANE_IMAGE_SUBSTITUTION",
                settings.image_substitution.to_string().into(),
            ),
            ("PITLANE_RATE_LIMITS", settings.rate_limits.to_string().into()),
            (
                "PITLANE_CONTEXT_IDLE",
                settings.context_idle.as_secs().to_string().into(),
            ),
            (
                "PITLANE_SANDBOX_ENV",
                crate::configuration::written(&settings.sandbox_env).into(),
            ),
            (
                "PITLANE_SANDBOX_FILES",
                crate::configuration::written_paths(&settings.sandbox_files).into(),
            ),
            (
                "PITLANE_PYTHON",
                crate::configuration::written_paths(&settings.python).into(),
            ),
            (
                "PITLANE_NODE",
                crate::configuration::written_paths(&settings.node).into(),
            ),
            (
                "PITLANE_PACKAGES_MB",
                (settings.packages_bytes / 1024 / 1024).to_string().into(),
            ),
        ];
        let domain = settings.preview_domain.clone();
        variables.extend(domain.map(|domain| ("PITLANE_PREVIEW_DOMAIN", domain.into())));
        let addr = settings.ssh_addr.map(|addr| addr.to_string());
        variables.extend(addr.map(|addr| ("PITLANE_SSH_ADDR", addr.into())));
        variables.push(("PITLANE_LOG_FORMAT", self.log_format.as_str().into()));
        variables.extend(self.log.clone().map(|log| ("PITLANE_LOG", log.into())));
        variables
    }
}
