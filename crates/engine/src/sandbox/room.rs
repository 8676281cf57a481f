//! A living sandbox before it has a name: what the warm pool keeps and a
//! [`super::Sandbox`] is a handle to.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::channel::Channel;
use super::helper::{Forked, Helper};
use super::homes::{self, Homes, Prepared};
use super::sandboxd::orders::{Bind, Enforced, Home, Limits, Plan};
use super::zygote::Zygote;
use super::{EndReason, HOME, Level, SandboxError, SandboxSpec, Tun, Wiring};
use crate::clock;
use crate::network::{self, Gate, NetworkBound, NetworkWish};

/// How often a folder that nothing else bounds is measured.
const DISK_INTERVAL: Duration = Duration::from_secs(2);

/// The walls of one sandbox and the conversations through them.
#[derive(Debug)]
pub(super) struct Room {
    slot: u64,
    helper: Arc<Helper>,
    pub(super) channel: Channel,
    pub(super) zygote: Zygote,
    pub(super) ended: watch::Receiver<Option<EndReason>>,
    pub(super) home: String,
    /// Whether its loopback device is its own and not the host's.
    pub(super) own_loopback: bool,
    limits: std::sync::Mutex<Limits>,
    wiring: Wiring,
    gate: Option<Arc<Gate>>,
    enforced: Enforced,
    kept: bool,
    /// The image it runs on.
    root: Option<PathBuf>,
    /// Folders outside its home that it can write to.
    places: Vec<PathBuf>,
    /// It shows folders that it shares with others.
    shares: bool,
    shelf: Option<PathBuf>,
    temporary: Option<PathBuf>,
    /// The home on the disk that it has until it is handed out.
    lent: Option<(String, Arc<Homes>)>,
    /// What bounds a folder that nothing else does.
    watch: Option<AbortHandle>,
    tasks: Vec<AbortHandle>,
    since_ms: i64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.stop_tasks();
        if self.ended.borrow().is_none() {
            self.helper.kill(self.slot, None);
        }
        // Nobody got it, so its home goes with it.
        if let Some((id, homes)) = self.lent.take() {
            let remove = move || {
                if let Err(error) = homes.remove(&id) {
                    tracing::warn!(%error, "the home of a ready sandbox that nobody got stays");
                }
            };
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(remove)),
                Err(_) => remove(),
            }
        }
    }
}

impl Room {
    /// Builds the walls.
    pub(super) async fn build(
        helper: Arc<Helper>,
        level: Level,
        binds: Vec<Bind>,
        spec: &SandboxSpec,
        prepared: Prepared,
        (wiring, bound): (Wiring, &Arc<NetworkBound>),
    ) -> Result<Self, SandboxError> {
        if !spec.is_plain() && !level.has_namespaces() {
            return Err(SandboxError::Create(
                "without namespaces it can have no image, no volumes and no working directory outside its home"
                    .into(),
            ));
        }
        let home = match &prepared.home {
            Home::Folder(folder) if !level.has_namespaces() => folder.to_string_lossy().into_owned(),
            _ => HOME.to_owned(),
        };
        let limits = Limits::of(spec);
        let plan = Plan {
            level,
            uid: prepared.uid,
            root: spec.root.clone(),
            binds,
            shared: spec.shared.clone(),
            places: spec.places.clone(),
            home: prepared.home,
            limits,
            wiring,
        };
        let forked = helper
            .create(plan)
            .await
            .map_err(|refused| SandboxError::Create(refused.reason))?;
        let Forked {
            slot,
            control,
            enforced,
            ended,
        } = forked;
        let (channel, outlet) = match Channel::open(control).await {
            Ok(opened) => opened,
            Err(error) => {
                helper.kill(slot, None);
                return Err(error);
            }
        };
        let mut tasks = Vec::new();
        let watch = prepared
            .watched
            .map(|folder| watch_disk(folder, limits, Arc::clone(&helper), slot));
        let gate = match wiring {
            Wiring::Off => None,
            Wiring::Proxy | Wiring::Tun => {
                let outlet =
                    outlet.ok_or_else(|| SandboxError::Protocol("a network without a way out".into()))?;
                let gate = Gate::new(Arc::clone(bound), spec.network.clone());
                tasks.push(serve_network(wiring, outlet, Arc::clone(&gate))?);
                Some(gate)
            }
        };
        Ok(Self {
            slot,
            helper,
            channel,
            zygote: Zygote::default(),
            ended,
            home,
            own_loopback: level.has_namespaces(),
            limits: std::sync::Mutex::new(limits),
            wiring,
            gate,
            enforced,
            kept: spec.keep_home,
            root: spec.root.clone(),
            places: spec.places.clone(),
            shares: !spec.shared.is_empty(),
            shelf: spec.shelf.clone(),
            temporary: prepared.temporary,
            lent: None,
            watch,
            tasks,
            since_ms: clock::now_ms(),
        })
    }

    /// Says how Python starts here; nothing is started before it is needed.
    pub(super) fn set_python(&mut self, python: &str, env: Vec<(String, String)>) {
        self.zygote = Zygote::new(python.to_owned(), env);
    }

    /// Has a Python wait for work. Without one everything else works.
    pub(super) async fn start_python(&self) {
        if let Err(error) = self.zygote.warm_up(&self.channel).await {
            tracing::debug!(%error, "no Python could be made ready");
        }
    }

    fn stop_tasks(&self) {
        self.tasks.iter().chain(&self.watch).for_each(AbortHandle::abort);
    }

    /// It has this home until it is handed out.
    pub(super) fn lend(&mut self, id: String, homes: Arc<Homes>) {
        self.lent = Some((id, homes));
    }

    /// The name of the home it has until it is handed out.
    pub(super) fn lent(&self) -> Option<&str> {
        self.lent.as_ref().map(|(id, _)| id.as_str())
    }

    /// Since when it has been there.
    pub(super) fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// Its home is its own now, in this folder.
    pub(super) fn settle(&mut self, folder: PathBuf, keep: bool) {
        self.lent = None;
        if let Some(watch) = self.watch.take() {
            watch.abort();
            let files = folder.join(homes::FILES);
            self.watch = Some(watch_disk(
                files,
                self.limits(),
                Arc::clone(&self.helper),
                self.slot,
            ));
        }
        self.temporary = (!keep).then_some(folder);
    }

    pub(super) fn is_alive(&self) -> bool {
        self.ended.borrow().is_none()
    }

    fn limits(&self) -> Limits {
        *self
            .limits
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether a sandbox of this kind can become what is asked for; with
    /// `exact`, whether it is so already.
    pub(super) fn can_become(&self, spec: &SandboxSpec, exact: bool) -> bool {
        let (wanted, limits) = (Limits::of(spec), self.limits());
        let same_disk = wanted.disk_bytes == limits.disk_bytes && wanted.inodes == limits.inodes;
        // The size of its files in memory was chosen for the memory it has.
        let fits = wanted.memory_bytes >= limits.memory_bytes;
        let changeable = wanted == limits || (!exact && self.enforced.all_by_cgroup());
        let home = self.lent.is_some() || !self.kept && !spec.keep_home;
        let same_view = self.root == spec.root && self.places == spec.places && self.shelf == spec.shelf;
        let sees = same_view && !self.shares && spec.shared.is_empty();
        self.is_alive() && home && sees && same_disk && fits && changeable
    }

    pub(super) fn has_shelf(&self) -> bool {
        self.shelf.is_some()
    }

    /// The port of the proxy, where that is the way out.
    pub(super) fn own_port(&self) -> Option<u16> {
        (self.wiring == Wiring::Proxy).then_some(network::plan::PROXY_PORT)
    }

    /// Changes what it asks to reach, at once.
    pub(super) fn set_network(&self, wish: NetworkWish) {
        if let Some(gate) = &self.gate {
            gate.set(wish);
        }
    }

    /// Changes the limits and the network to those asked for.
    pub(super) async fn become_what(&self, spec: &SandboxSpec) -> bool {
        self.set_network(spec.network.clone());
        let wanted = Limits::of(spec);
        if wanted == self.limits() {
            return true;
        }
        self.set_limits(wanted).await
    }

    /// Gives it more processors or memory while it lives; `false` when nothing
    /// here can.
    pub(super) async fn resize(&self, cpu: u32, memory_bytes: u64) -> bool {
        let wanted = Limits {
            cpu,
            memory_bytes,
            ..self.limits()
        };
        if wanted == self.limits() {
            return true;
        }
        self.enforced.all_by_cgroup() && self.set_limits(wanted).await
    }

    async fn set_limits(&self, wanted: Limits) -> bool {
        let changed = self.helper.limit(self.slot, wanted).await;
        if changed {
            *self
                .limits
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = wanted;
        }
        changed
    }

    pub(super) async fn measure(&self) -> super::sandboxd::orders::Measure {
        self.helper.measure(self.slot).await
    }

    /// Ends it and waits for the proof.
    pub(super) async fn destroy(&self, patience: Duration) -> Result<(), SandboxError> {
        let mut ended = self.ended.clone();
        if self.is_alive() {
            self.helper.kill(self.slot, None);
            let proof = tokio::time::timeout(patience, ended.wait_for(Option::is_some)).await;
            proof.map_err(|_| SandboxError::Silent(patience.as_secs()))?.ok();
        }
        self.stop_tasks();
        if let Some(folder) = self.temporary.clone() {
            remove_folder(folder).await?;
        }
        Ok(())
    }
}

async fn remove_folder(folder: PathBuf) -> Result<(), SandboxError> {
    let shown = folder.display().to_string();
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    match removed {
        Ok(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(SandboxError::System(format!(
            "The home folder {shown} could not be removed: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Ends the sandbox when its folder holds more than it may.
fn watch_disk(folder: PathBuf, limits: Limits, helper: Arc<Helper>, slot: u64) -> AbortHandle {
    let watching = async move {
        loop {
            tokio::time::sleep(DISK_INTERVAL).await;
            let folder = folder.clone();
            let used = tokio::task::spawn_blocking(move || homes::disk_use(&folder)).await;
            if used.is_ok_and(|(bytes, files)| bytes > limits.disk_bytes || files > limits.inodes) {
                helper.kill(slot, Some(EndReason::OutOfDisk));
                return;
            }
        }
    };
    tokio::spawn(watching).abort_handle()
}

/// Serves what pid 1 opened in its network.
fn serve_network(wiring: Wiring, outlet: OwnedFd, gate: Arc<Gate>) -> Result<AbortHandle, SandboxError> {
    if wiring == Wiring::Tun {
        let device = Tun::new(outlet)?;
        return Ok(tokio::spawn(network::serve_tun(device, gate)).abort_handle());
    }
    let serve = network::serve_proxy(outlet, gate)
        .map_err(|error| SandboxError::System(format!("The network proxy could not be started: {error}")))?;
    Ok(tokio::spawn(serve).abort_handle())
}

/// The folders and files that a sandbox sees besides the host's own programs.
pub(super) fn binds(
    interpreters: &super::interpreters::Interpreters,
    config: &super::HostConfig,
    spec: &SandboxSpec,
) -> Vec<Bind> {
    let mut binds = interpreters.binds();
    let mut show = |source: &Path, target: &Path| {
        binds.push(Bind {
            source: source.to_owned(),
            target: target.to_owned(),
        });
    };
    if let Some(runtime) = &config.runtime_dir {
        show(runtime, super::environment::RUNTIME.as_ref());
    }
    for file in &config.files {
        show(file, file);
    }
    if let Some(shelf) = &spec.shelf {
        show(shelf, super::SHELF.as_ref());
    }
    binds
}
