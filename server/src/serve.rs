//! `pitlane serve`: from settings to a site that answers, and back.
//!
//! The port is taken first, because that fails fast; the engine and the
//! database are then started side by side. On the way down: no new requests,
//! streams ended, runs left to the next start (or ended with the engine), the
//! database closed.

use crate::{
    configuration::{Configuration, PublicUrl},
    connections::{self, Bounds},
    engine_process::EnginePlan,
    failure::Failure,
    listening,
    observed::Observed,
    output,
    provider::Sandboxes,
    site::{self, Sessions, Site, hosts::Hosts, oidc},
    stopping,
    traces::Traces,
};
use app::{Assets, Services, api::SignInOptions};
use model::{InstanceRole, Provider};
use runs::{KeyFile, Runs, RunsConfig, Vault};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::Arc,
    time::Duration,
};
use store::Store;
use tokio_util::sync::CancellationToken;

/// How long open requests have once the server is told to stop. Storing what is left of runs goes on
/// beside them, and takes half a second more at most; all in all a stop takes less than 5 s.
const STOP_WITHIN: Duration = Duration::from_millis(2000);
/// How long the database may take to be closed.
const CLOSE_WITHIN: Duration = Duration::from_millis(500);
/// How long is waited for the engine, which was told to end and does so by itself.
const ENGINE_WITHIN: Duration = Duration::from_secs(1);
/// How many connections there are to the address of the figures.
const METRICS_CONNECTIONS: usize = 64;
/// How much of all logs is held in memory at most, in bytes, as long as that leaves each the smallest part.
const RINGS: usize = 128 << 20;
/// The least of one log that is held in memory, in bytes.
const SMALLEST_RING: usize = 256 << 10;
/// The most.
const LARGEST_RING: usize = 4 << 20;

/// Serves until it is told to stop. `hangups` is what goes on beside it.
///
/// # Errors
/// When it cannot start.
pub fn run(
    configuration: &Configuration,
    hangups: Option<impl Future<Output = ()> + Send + 'static>,
) -> Result<(), Failure> {
    let workers = std::thread::available_parallelism().map_or(4, |count| count.get().max(4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    hangups.map(|hangups| runtime.spawn(hangups));
    let served = runtime.block_on(serve(configuration));
    runtime.shutdown_timeout(Duration::from_millis(300));
    served
}

async fn serve(configuration: &Configuration) -> Result<(), Failure> {
    let shutdown = stopping::on_signals()?;
    let listener = listening::bind(configuration.addr, "--addr")?;
    let addr = listener
        .local_addr()
        .map_err(|error| Failure::new(format!("The socket has no address: {error}.")))?;
    let metrics_listener = match configuration.metrics_addr {
        Some(addr) => Some(listening::bind(addr, "PITLANE_METRICS_ADDR")?),
        None => None,
    };
    let observed = Observed {
        traces: Arc::new(Traces::from_environment()?),
        ..Observed::default()
    };
    let _data = hold_data(&configuration.data)?;
    let sandboxes = Sandboxes::open(configuration, || engine_plan(configuration))?;
    let started = start(configuration, &sandboxes, addr, &shutdown, observed.clone()).await;
    let served = match started {
        Ok(site) => {
            let services = site.services.clone();
            if let Some(listener) = metrics_listener {
                serve_metrics(listener, site.clone(), shutdown.clone())?;
            }
            let bounds = Bounds::new(listening::possible(configuration.connections));
            let serving = async {
                let answered = answer(listener, site, bounds, shutdown.clone()).await;
                shutdown.cancel();
                answered
            };
            let leaving = async {
                shutdown.cancelled().await;
                services.runs.shutdown().await;
            };
            let (answered, ()) = tokio::join!(serving, leaving);
            if tokio::time::timeout(CLOSE_WITHIN, services.store.close())
                .await
                .is_err()
            {
                tracing::warn!("the database took too long to close; it is whole all the same");
            }
            answered
        }
        Err(failure) => Err(failure),
    };
    observed.traces.finish().await;
    if let Some(engine) = sandboxes.engine {
        if configuration.keep_engine {
            engine.leave();
        } else if tokio::time::timeout(ENGINE_WITHIN, engine.stop()).await.is_err() {
            tracing::warn!("the engine goes on ending its sandboxes by itself");
        }
    }
    served
}

async fn start(
    configuration: &Configuration,
    sandboxes: &Sandboxes,
    addr: SocketAddr,
    shutdown: &CancellationToken,
    observed: Observed,
) -> Result<Site, Failure> {
    let (store, isolation) = tokio::join!(open_store(configuration), sandboxes.isolation());
    let store = store?;
    let sessions = Sessions::open(&store).await?;
    tokio::spawn(sessions.clone().delete_expired_hourly());
    store
        .set_price(&configuration.price)
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    if let Some(days) = configuration.audit_days {
        tokio::spawn(site::forget_audit_records(store.clone(), days));
    }
    let vault = vault(configuration)?;
    let server = instance(&configuration.data)?;
    let shared = installation(&store, sandboxes.provider, &server).await?;
    let oidc_secret = configuration
        .sign_in
        .provider
        .as_ref()
        .and_then(|provider| provider.client_secret.clone());
    let config = RunsConfig {
        server,
        watch: observed.watch(),
        own_secrets: sandboxes
            .keys
            .iter()
            .cloned()
            .chain(vault.key().to_texts().map(Into::into))
            .chain(oidc_secret)
            .collect(),
        vault: Some(vault),
        webhook_reach: configuration.webhook_reach.clone(),
        concurrency: configuration.concurrency,
        concurrency_per_person: configuration.concurrency_per_person,
        waiting: configuration.waiting_runs,
        max_timeout_seconds: configuration.max_timeout_seconds,
        interpreter_idle: configuration.interpreter_idle,
        interpreters: configuration.interpreters,
        stop_grace: configuration.stop_grace,
        log_limit: configuration.log_limit,
        ring: ring(configuration.concurrency),
        ..RunsConfig::new(shared, sandboxes.provider)
    };
    let runs = Runs::open(config, store.clone(), sandboxes.client.clone())
        .await
        .map_err(|error| {
            Failure::new(format!(
                "The runs of an earlier start cannot be taken up. {error}"
            ))
        })?;
    tokio::spawn(Arc::clone(&observed.readiness).keep(
        store.clone(),
        sandboxes.provider,
        sandboxes.client.clone(),
        shutdown.clone(),
    ));
    let link = first_link(&store).await?;
    greet(configuration, addr, link.as_deref());
    let services = Services {
        store,
        runs,
        provider: sandboxes.provider,
        provider_url: sandboxes.url.clone(),
        isolation: isolation.level,
        isolation_facts: isolation.facts,
        sign_in: SignInOptions {
            password: configuration.sign_in.passwords,
            provider: configuration
                .sign_in
                .provider
                .as_ref()
                .map(|provider| provider.name.clone()),
        },
        origin: configuration.public_url.as_ref().map(PublicUrl::origin),
    };
    let hosts = Hosts::new(configuration.public_url.clone());
    let provider = configuration.sign_in.provider.clone().map(oidc::Provider::new);
    let provider = provider
        .transpose()
        .map_err(|error| Failure::new(format!("The sign-in provider cannot be asked over TLS: {error}.")))?;
    Ok(Site::new(
        services,
        Assets {
            base: site::assets_base(),
        },
        sessions,
        hosts,
        configuration.limits,
        observed,
        shutdown.clone(),
    )
    .with_provider(provider))
}

/// What seals secrets.
///
/// # Errors
/// When the file of the key cannot be used.
pub fn vault(configuration: &Configuration) -> Result<Vault, Failure> {
    if let Some(key) = &configuration.master_key {
        return Ok(Vault::new(key.clone()));
    }
    KeyFile::of(&configuration.data)
        .open()
        .map_err(|error| Failure::unusable(format!("The key of the secrets cannot be used: {error}.")))
}

async fn open_store(configuration: &Configuration) -> Result<Store, Failure> {
    Store::open(&configuration.database_url)
        .await
        .map_err(|error| Failure::unusable(error.to_string()))
}

/// Answers requests until `shutdown`, then lets those under way finish, but not for ever.
async fn answer(
    listener: TcpListener,
    site: Site,
    bounds: Bounds,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::from_std(listener)
        .map_err(|error| Failure::new(format!("The site's socket cannot be used: {error}.")))?;
    let serving = connections::serve(listener, site::router(site), bounds, shutdown.clone());
    tokio::select! {
        () = serving => {}
        () = async { shutdown.cancelled().await; tokio::time::sleep(STOP_WITHIN).await } => {
            tracing::warn!("requests that took more than {} s to end were cut off", STOP_WITHIN.as_secs_f32());
        }
    }
    Ok(())
}

/// Answers with the figures at their own address, until `shutdown`.
fn serve_metrics(listener: TcpListener, site: Site, shutdown: CancellationToken) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::from_std(listener)
        .map_err(|error| Failure::new(format!("The socket for the figures cannot be used: {error}.")))?;
    let bounds = Bounds::new(METRICS_CONNECTIONS);
    tokio::spawn(async move {
        connections::serve(listener, site::metrics_alone(site), bounds, shutdown).await;
    });
    Ok(())
}

/// How much of each log is held in memory, when so many runs go on at the same time: together no more
/// than [`RINGS`].
fn ring(concurrency: usize) -> usize {
    (RINGS / concurrency.max(1)).clamp(SMALLEST_RING, LARGEST_RING)
}

/// How the engine of this data folder is started.
///
/// # Errors
/// When the files for sandboxes cannot be written.
pub fn engine_plan(configuration: &Configuration) -> Result<EnginePlan, Failure> {
    Ok(EnginePlan {
        data: configuration.data.join("engine"),
        runtime: site::runtime_folder(&configuration.data)?,
        settings: configuration.engine.clone(),
        log: configuration.log.clone(),
        log_format: configuration.log_format,
        ends_with_us: false,
    })
}

/// Makes the data folder, and holds it against a second server.
///
/// # Errors
/// When it cannot be written, or another server has it.
pub fn hold_data(data: &Path) -> Result<File, Failure> {
    let refused = |error: std::io::Error| {
        Failure::unusable(format!(
            "The data folder {} cannot be written: {error}. Choose another with --data, or change its owner.",
            data.display()
        ))
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(refused)?;
    let lock = File::create(data.join("serve.lock")).map_err(refused)?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failure::unusable(format!(
            "Another Pitlane serves the data folder {}. Stop it, or choose another folder with --data.",
            data.display()
        ))
    })?;
    Ok(lock)
}

/// The name of the server of this data folder, made at its first start.
fn instance(data: &Path) -> Result<String, Failure> {
    let path = data.join("instance");
    if let Ok(name) = std::fs::read_to_string(&path)
        && !name.trim().is_empty()
    {
        return Ok(name.trim().to_owned());
    }
    let name = uuid::Uuid::new_v4().to_string();
    std::fs::write(&path, &name)
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}.", path.display())))?;
    Ok(name)
}

/// The name that the sandboxes of this server carry at the provider. Servers on one PostgreSQL that use
/// Daytona share one, so that any of them can go on with the runs of another. An engine is a server's
/// own, and so are the sandboxes in it.
async fn installation(store: &Store, provider: Provider, server: &str) -> Result<String, Failure> {
    if provider == Provider::Embedded || !store.is_shared() {
        return Ok(server.to_owned());
    }
    store
        .installation(server)
        .await
        .map_err(|error| Failure::unusable(error.to_string()))
}

/// The link for the owner, as long as there is no password to sign in with.
async fn first_link(store: &Store) -> Result<Option<String>, Failure> {
    let failed = |error: store::StoreError| Failure::new(error.to_string());
    let users = store.users().await.map_err(failed)?;
    let owner = match users.into_iter().next() {
        Some(owner) if owner.is_set_up() => return Ok(None),
        Some(owner) => owner,
        None => store
            .create_user("owner", InstanceRole::Owner, None)
            .await
            .map_err(failed)?,
    };
    site::fresh_sign_in_link(store, &owner.id).await.map(Some)
}

fn greet(configuration: &Configuration, addr: SocketAddr, link: Option<&str>) {
    let address = address_to_open(configuration, addr);
    output::line(&format!("Pitlane is ready at {address}"));
    if let Some(link) = link {
        output::line(&format!(
            "Sign in with this link, once, within a day: {address}{link}"
        ));
    }
}

/// What to type into a browser.
pub fn address_to_open(configuration: &Configuration, addr: SocketAddr) -> String {
    match &configuration.public_url {
        Some(url) => url.origin(),
        // Every address of this machine: the nearest one.
        None if addr.ip().is_unspecified() => format!("http://localhost:{}", addr.port()),
        None => format!("http://{addr}"),
    }
}
