//! Starts sandboxd, finds the walls it can build here, and makes sandboxes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OnceCell;

use super::environment::{self, Circumstances};
use super::handle::Shared;
use super::helper::Helper;
use super::homes::Homes;
use super::interpreters::Interpreters;
use super::ladder;
use super::pool::Pool;
use super::ready;
use super::room::{self, Room};
use super::{Isolation, IsolationChoice, IsolationError, Level, Sandbox, SandboxError, SandboxSpec, Wiring};
use crate::network::NetworkBound;

/// The rung for which interpreters are looked for while the ladder is climbed.
const LIKELY: Level = Level::NamespacesRoot;
/// The longest id of a sandbox.
const LONGEST_ID: usize = 64;

/// How sandboxes are made on this host.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Kept home folders are at `data_dir/homes/<id>`. Absolute.
    pub data_dir: PathBuf,
    /// Which walls are acceptable.
    pub isolation: IsolationChoice,
    /// What sandboxes reach at most.
    pub network: NetworkBound,
    /// Give them a network device of their own where that is possible, not the
    /// proxy.
    pub network_device: bool,
    /// Variables of the operator's for every program; a sandbox's own win.
    pub env: BTreeMap<String, String>,
    /// Files and folders of the operator's that each sandbox sees, read-only, at
    /// the same path.
    pub files: Vec<PathBuf>,
    /// The shelf that ready sandboxes have.
    pub shelf: Option<PathBuf>,
    /// Bound read-only at `/opt/pitlane` in each sandbox.
    pub runtime_dir: Option<PathBuf>,
    /// The Pythons to offer instead of the one that would be found: the first
    /// that can be used.
    pub python: Vec<PathBuf>,
    /// The same of Node.js.
    pub node: Vec<PathBuf>,
    /// How many sandboxes with default limits are kept ready.
    pub warm: usize,
    /// The executable that understands `sandboxd` as its first argument;
    /// `None` is the running one.
    pub program: Option<PathBuf>,
}

impl HostConfig {
    /// A host about which nothing else was said.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            isolation: IsolationChoice::Auto,
            network: NetworkBound::off(),
            network_device: true,
            env: BTreeMap::new(),
            files: Vec::new(),
            shelf: None,
            runtime_dir: None,
            python: Vec::new(),
            node: Vec::new(),
            warm: 0,
            program: None,
        }
    }

    /// How programs are to get out, where that works.
    pub(super) fn wanted_wiring(&self) -> Wiring {
        match (self.network.is_off(), self.network_device) {
            (true, _) => Wiring::Off,
            (false, false) => Wiring::Proxy,
            (false, true) => Wiring::Tun,
        }
    }
}

/// The connection to sandboxd. Cheap to clone; when the last clone is dropped,
/// every sandbox ends.
#[derive(Clone, Debug)]
pub struct SandboxHost {
    pub(super) inner: Arc<Inner>,
    pub(super) pool: Arc<Pool>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) config: HostConfig,
    pub(super) isolation: Isolation,
    wiring: Wiring,
    no_device: Option<String>,
    bound: Arc<NetworkBound>,
    interpreters: Arc<Interpreters>,
    image_interpreters: Arc<Interpreters>,
    pub(super) homes: Arc<Homes>,
    /// Replaced when it was lost.
    helper: Mutex<Arc<Helper>>,
    pub(super) closed: OnceCell<()>,
}

impl SandboxHost {
    /// Starts sandboxd and finds the best walls it can build here.
    ///
    /// # Errors
    /// When sandboxd cannot be started, the data directory cannot be used, or
    /// no acceptable rung of the ladder works.
    pub async fn start(config: HostConfig) -> Result<Self, IsolationError> {
        if !config.data_dir.is_absolute() {
            let shown = config.data_dir.display();
            return Err(IsolationError::Helper(format!(
                "the data directory {shown} is not an absolute path"
            )));
        }
        let failed = |error: std::io::Error| IsolationError::Helper(error.to_string());
        let homes = Arc::new(Homes::open(&config.data_dir).map_err(failed)?);
        let helper = Arc::new(Helper::start(config.program.as_deref()).map_err(failed)?);
        let (interpreters, diagnosis) = tokio::join!(
            Interpreters::find(&config.python, &config.node, LIKELY),
            ladder::climb(config.isolation, config.wanted_wiring(), &helper, &homes),
        );
        let Some(isolation) = diagnosis.isolation.clone() else {
            return Err(IsolationError::Refused(Box::new(diagnosis)));
        };
        let interpreters = match Interpreters::are_alike(LIKELY, isolation.level) {
            true => interpreters,
            false => Interpreters::find(&config.python, &config.node, isolation.level).await,
        };
        let mut interpreters = interpreters.map_err(IsolationError::Interpreter)?;
        let completed = interpreters.complete(&config.data_dir, isolation.level).await;
        completed.map_err(|error| IsolationError::Interpreter(error.to_string()))?;
        for (name, found) in [("Python", &interpreters.python), ("Node.js", &interpreters.node)] {
            match found {
                Some(found) => tracing::info!(
                    path = found.path,
                    version = found.version,
                    "sandboxes have {name}"
                ),
                None => tracing::warn!("Sandboxes have no {name}: `pitlane doctor` says what was looked at."),
            }
        }
        if isolation.level == Level::UnsafeNone {
            tracing::warn!("Programs run WITHOUT ISOLATION and can read and change whatever this user can.");
        }
        if let Some(reason) = &diagnosis.no_device {
            tracing::warn!(%reason, wiring = diagnosis.wiring.name(), "sandboxes get no network device");
        }
        let warm = config.warm;
        let inner = Arc::new(Inner {
            bound: Arc::new(config.network.clone()),
            config,
            isolation,
            wiring: diagnosis.wiring,
            no_device: diagnosis.no_device,
            interpreters: Arc::new(interpreters),
            image_interpreters: Arc::new(Interpreters::of_image()),
            homes,
            helper: Mutex::new(helper),
            closed: OnceCell::new(),
        });
        let maker = Arc::downgrade(&inner);
        let pool = Arc::new(Pool::start(move |spec| ready::make(Weak::clone(&maker), spec)));
        let host = Self { inner, pool };
        host.keep_own(warm);
        Ok(host)
    }

    /// The walls in use.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.inner.isolation
    }

    /// How programs in sandboxes get out, where they may.
    #[must_use]
    pub fn wiring(&self) -> Wiring {
        self.inner.wiring
    }

    /// Why they get no network device, when they might.
    #[must_use]
    pub fn no_device(&self) -> Option<&str> {
        self.inner.no_device.as_deref()
    }

    /// What sandboxes reach at most.
    #[must_use]
    pub fn network_bound(&self) -> &NetworkBound {
        &self.inner.bound
    }

    /// Along what programs are looked up inside, without an environment of the
    /// sandbox's own.
    pub(crate) fn search_path(&self, of_image: bool) -> String {
        let interpreters = match of_image {
            true => &self.inner.image_interpreters,
            false => &self.inner.interpreters,
        };
        environment::path(interpreters, super::HOME)
    }

    /// The process number of sandboxd, while it runs.
    #[must_use]
    pub fn sandboxd_pid(&self) -> Option<u32> {
        self.inner.current_helper().pid()
    }

    /// Makes a sandbox, or hands out one that is ready.
    ///
    /// # Errors
    /// When the id is not usable or the walls cannot be built.
    pub async fn create(&self, spec: SandboxSpec) -> Result<Sandbox, SandboxError> {
        self.create_from(&[], spec).await
    }

    /// [`create`](Self::create), with what stands ready under these names before
    /// the operator's own.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn create_from(&self, names: &[&str], spec: SandboxSpec) -> Result<Sandbox, SandboxError> {
        check_id(&spec.id)?;
        if self.inner.closed.initialized() {
            return Err(SandboxError::Create("the engine shuts down".into()));
        }
        let (pool, room) = match self.take_ready(names, &spec).await {
            Some((pool, room)) => (Some(pool), room),
            None => (None, self.inner.build(&spec).await?),
        };
        Ok(self.inner.hand_out(room, spec, pool))
    }

    /// Removes the kept home of a sandbox that does not run.
    ///
    /// # Errors
    /// When files of it cannot be removed.
    pub async fn remove_home(&self, id: &str) -> Result<(), SandboxError> {
        self.with_home(id, Homes::remove, "removed").await
    }

    /// Waits until nothing uses the kept home of a sandbox that has ended, and
    /// all that was written to it is in its image; false when it is in use for
    /// another ten seconds.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn home_released(&self, id: &str) -> Result<bool, SandboxError> {
        self.with_home(id, Homes::released, "released").await
    }

    /// Lets the kept home of a sandbox that does not run hold more bytes.
    ///
    /// # Errors
    /// When its file system cannot be grown.
    pub async fn grow_home(&self, id: &str, bytes: u64) -> Result<(), SandboxError> {
        self.with_home(id, move |homes, id| homes.grow(id, bytes), "grown")
            .await
    }

    async fn with_home<T: Send + 'static>(
        &self,
        id: &str,
        work: impl FnOnce(&Homes, &str) -> std::io::Result<T> + Send + 'static,
        what: &str,
    ) -> Result<T, SandboxError> {
        check_id(id)?;
        let (homes, id) = (Arc::clone(&self.inner.homes), id.to_owned());
        let done = tokio::task::spawn_blocking(move || work(&homes, &id)).await;
        done.map_err(|error| SandboxError::System(error.to_string()))?
            .map_err(|error| SandboxError::System(format!("The home folder could not be {what}: {error}")))
    }

    /// Ends every sandbox, and sandboxd.
    pub async fn shutdown(&self) {
        let _ = self.inner.closed.set(());
        self.pool.close();
        self.inner.current_helper().end().await;
    }
}

fn check_id(id: &str) -> Result<(), SandboxError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(plain) {
        return Err(SandboxError::Create(format!(
            "\"{}\" cannot be its id: use 1 to {LONGEST_ID} letters, digits, - and _",
            id.chars().take(LONGEST_ID).collect::<String>()
        )));
    }
    Ok(())
}

impl Inner {
    fn current_helper(&self) -> Arc<Helper> {
        Arc::clone(&self.helper.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The running sandboxd; a new one when the last was lost.
    fn living_helper(&self) -> Result<Arc<Helper>, SandboxError> {
        let mut helper = self.helper.lock().unwrap_or_else(PoisonError::into_inner);
        if helper.is_lost() {
            tracing::error!("sandboxd was lost with every sandbox, a new one is started");
            let started = Helper::start(self.config.program.as_deref());
            *helper = Arc::new(started.map_err(|error| {
                SandboxError::Create(format!(
                    "the sandbox helper process could not be started again: {error}"
                ))
            })?);
        }
        Ok(Arc::clone(&helper))
    }

    pub(super) async fn build(&self, spec: &SandboxSpec) -> Result<Room, SandboxError> {
        let helper = self.living_helper()?;
        let level = self.isolation.level;
        let prepared = if level.has_namespaces() && !spec.keep_home {
            self.homes.prepare(spec, level)?
        } else {
            let (homes, spec) = (Arc::clone(&self.homes), spec.clone());
            let prepared = tokio::task::spawn_blocking(move || homes.prepare(&spec, level)).await;
            prepared.map_err(|error| SandboxError::System(error.to_string()))??
        };
        let temporary = prepared.temporary.clone();
        let binds = room::binds(self.interpreters_of(spec), &self.config, spec);
        let built = Room::build(helper, level, binds, spec, prepared, (self.wiring, &self.bound)).await;
        if let (Err(_), Some(folder)) = (&built, temporary) {
            // What was made for it goes with it; the error that counts is the first.
            let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
        }
        let mut room = built?;
        let interpreters = self.interpreters_of(spec);
        if let Some(python) = &interpreters.python {
            room.set_python(&python.path, self.base_env(interpreters, &room.home));
        }
        Ok(room)
    }

    fn interpreters_of(&self, spec: &SandboxSpec) -> &Arc<Interpreters> {
        match spec.root {
            Some(_) => &self.image_interpreters,
            None => &self.interpreters,
        }
    }

    /// The runtime folder, as programs see it and on the host.
    fn runtime(&self) -> Option<(&Path, &Path)> {
        let outside = self.config.runtime_dir.as_deref()?;
        let inside = if self.isolation.level.has_namespaces() {
            Path::new(environment::RUNTIME)
        } else {
            outside
        };
        Some((inside, outside))
    }

    /// The variables of every program, before its sandbox's own.
    fn base_env(&self, interpreters: &Interpreters, home: &str) -> Vec<(String, String)> {
        let runtime = self.runtime();
        let mut env = environment::base(&Circumstances {
            interpreters,
            runtime,
            home,
            wiring: self.wiring,
        });
        env.retain(|(name, _)| !self.config.env.contains_key(name));
        env.extend(self.config.env.clone());
        env
    }

    fn hand_out(&self, room: Room, spec: SandboxSpec, pool: Option<String>) -> Sandbox {
        let interpreters = Arc::clone(self.interpreters_of(&spec));
        let mut env = self.base_env(&interpreters, &room.home);
        env.retain(|(name, _)| !spec.env.contains_key(name));
        env.extend(spec.env);
        Sandbox::new(Shared {
            id: spec.id,
            pool,
            env,
            room,
            typescript: interpreters
                .node
                .as_ref()
                .and_then(|node| environment::typescript(node, self.runtime())),
            interpreters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_lead_out_of_the_homes_folder() {
        for id in ["", "..", "a/b", "a\0", "ä", &"x".repeat(65)] {
            assert!(check_id(id).is_err(), "{id:?}");
        }
        assert!(check_id("run-01_A").is_ok());
    }
}
