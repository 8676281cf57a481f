//! What all handlers share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::builds::Builds;
use crate::clock;
use crate::config::{EngineConfig, EngineError, Timings};
use crate::events::Events;
use crate::fault::Fault;
use crate::identity::{FIRST_ORGANIZATION, Identity};
use crate::packages::Packages;
use crate::registry::Registry;
use crate::sandbox::{HostConfig, SandboxHost};
use crate::secrets::Secrets;
use crate::snapshots::Snapshots;
use crate::throttle::Throttle;
use crate::tickets::Tickets;
use crate::volumes::Volumes;
use crate::warm_pools::WarmPools;

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) timings: Timings,
    pub(crate) host: SandboxHost,
    pub(crate) registry: Registry,
    pub(crate) packages: Packages,
    pub(crate) identity: Identity,
    pub(crate) events: Arc<Events>,
    pub(crate) throttle: Throttle,
    pub(crate) tickets: Tickets,
    pub(crate) snapshots: Snapshots,
    pub(crate) warm_pools: WarmPools,
    pub(crate) builds: Builds,
    pub(crate) volumes: Volumes,
    pub(crate) secrets: Secrets,
    /// Where the SSH gateway listens, when it does.
    pub(crate) ssh: OnceLock<SocketAddr>,
    /// Cancelled when the process that holds the sandboxes is gone.
    pub(crate) lost: CancellationToken,
    /// Cancelled when the engine ends: work that may take minutes is given up.
    pub(crate) ending: CancellationToken,
    last_request_ms: AtomicI64,
}

/// The engine as handlers hold it.
pub type SharedEngine = Arc<Engine>;

impl Engine {
    /// Reads what an earlier engine left, clears what it should not have, and
    /// builds the walls.
    ///
    /// # Errors
    /// When the data directory cannot be used, or nothing can be isolated here.
    pub(crate) async fn start(config: EngineConfig, timings: Timings) -> Result<SharedEngine, EngineError> {
        let data_dir =
            std::path::absolute(&config.data_dir).map_err(|source| EngineError::DataDirectory {
                path: config.data_dir.clone(),
                source,
            })?;
        let unusable = |source| EngineError::DataDirectory {
            path: data_dir.clone(),
            source,
        };
        let events = Arc::<Events>::default();
        let registry = Registry::open(&data_dir, Arc::clone(&events)).map_err(unusable)?;
        let identity = Identity::open(&data_dir, &config.api_key).map_err(unusable)?;
        let snapshots = Snapshots::open(&data_dir, &config.images, Arc::clone(&events)).map_err(unusable)?;
        let warm_pools = WarmPools::open(&data_dir).map_err(unusable)?;
        let builds = Builds::open(&data_dir).map_err(unusable)?;
        let volumes = Volumes::open(&data_dir, Arc::clone(&events)).map_err(unusable)?;
        let secrets = Secrets::open(&data_dir).map_err(unusable)?;
        let packages = Packages::open(&data_dir, config.packages_bytes).map_err(unusable)?;
        crate::leftovers::clear(&data_dir, &registry, &snapshots);
        let host = SandboxHost::start(HostConfig {
            isolation: config.isolation,
            network: config.network_default.clone(),
            env: config.sandbox_env.clone(),
            files: config.sandbox_files.clone(),
            shelf: packages.shelf(FIRST_ORGANIZATION),
            runtime_dir: config.runtime_dir.clone(),
            python: config.python.clone(),
            node: config.node.clone(),
            warm: config.warm,
            ..HostConfig::new(&data_dir)
        })
        .await?;
        tracing::info!(isolation = %host.isolation(), sandboxes = registry.list().len(), "the engine is ready");
        let engine = Arc::new(Self {
            identity,
            events,
            throttle: Throttle::new(config.rate_limits),
            tickets: Tickets::default(),
            ssh: OnceLock::new(),
            config: EngineConfig { data_dir, ..config },
            timings,
            host,
            registry,
            snapshots,
            warm_pools,
            builds,
            volumes,
            secrets,
            packages,
            lost: CancellationToken::new(),
            ending: CancellationToken::new(),
            last_request_ms: AtomicI64::new(clock::now_ms()),
        });
        engine.warm_pools.fill(&engine);
        Ok(engine)
    }

    /// A client that may was here.
    pub(crate) fn seen(&self) {
        self.last_request_ms.store(clock::now_ms(), Ordering::Relaxed);
    }

    /// How long no client was here.
    pub(crate) fn alone_for(&self) -> Duration {
        let since = clock::now_ms() - self.last_request_ms.load(Ordering::Relaxed);
        Duration::from_millis(u64::try_from(since).unwrap_or(0))
    }

    /// The root file system of an operator's image; none for the host's own
    /// programs.
    ///
    /// # Errors
    /// When the operator has taken the image away.
    pub(crate) fn root(&self, image: Option<&str>) -> Result<Option<PathBuf>, Fault> {
        let Some(name) = image else { return Ok(None) };
        match self.config.images.get(name) {
            Some(folder) => Ok(Some(folder.to_owned())),
            None => Err(Fault::bad_request(format!(
                "The image {name} is not registered with this engine any more. Its operator can add it again."
            ))),
        }
    }

    /// Where the home of an archived sandbox is.
    pub(crate) fn archive(&self, id: &str) -> PathBuf {
        self.config.data_dir.join("archives").join(format!("{id}.tar"))
    }

    /// Where the last backup of a sandbox is.
    pub(crate) fn backup(&self, id: &str) -> PathBuf {
        self.config.data_dir.join("backups").join(format!("{id}.tar"))
    }

    /// The shelf of packages that a sandbox sees: its organization's. None
    /// without namespaces, where nothing can be shown to it alone, and none with
    /// an image, whose programs are others than those that installed them.
    pub(crate) fn shelf(&self, organization: &str, image: Option<&str>) -> Option<PathBuf> {
        let can_see = self.host.isolation().level.has_namespaces() && image.is_none();
        can_see.then(|| self.packages.shelf(organization)).flatten()
    }

    /// Where a sandbox's logs are spooled.
    pub(crate) fn spool_folder(&self, id: &str) -> PathBuf {
        self.config.data_dir.join("spool").join(id)
    }
}
