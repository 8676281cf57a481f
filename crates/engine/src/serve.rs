//! Starting an engine, serving it, and ending it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::{EngineConfig, EngineError, Timings};
use crate::state::{Engine, SharedEngine};
use crate::{auth, control, fault, lifecycle, lock, previews, ssh, throttle, toolbox};

/// The version of Daytona's API that is served.
const API_VERSION: &str = "v0.226.1";
/// How long connections may take to end after the sandboxes have.
const FAREWELL: Duration = Duration::from_secs(3);

/// All routes: `/api` is the control plane, `/toolbox/{sandbox}` the toolboxes;
/// the host names of previews have none of these.
pub fn router(engine: SharedEngine) -> Router {
    Router::new()
        .nest(
            "/api",
            control::routes().layer(from_fn_with_state(Arc::clone(&engine), throttle::count)),
        )
        .nest("/toolbox/{sandbox}", toolbox::routes(&engine))
        .fallback(fault::unknown_route)
        .layer(from_fn_with_state(Arc::clone(&engine), auth::identify))
        .layer(from_fn_with_state(Arc::clone(&engine), previews::serve))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(fault::Fault::internal(
                "The engine failed on this request; its log says where.",
            ))
        }))
        .layer(from_fn(fault::complete))
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-daytona-api-version"),
            HeaderValue::from_static(API_VERSION),
        ))
        .with_state(engine)
}

/// Serves until `shutdown`, or until nobody asked for `orphan_grace`. Every
/// sandbox is ended before this returns; the ones that are not ephemeral are
/// `stopped` at the next start.
///
/// # Errors
/// When the engine cannot start, or the process that holds its sandboxes ended.
pub async fn serve(
    config: EngineConfig,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), EngineError> {
    serve_with(config, Timings::default(), listener, shutdown).await
}

/// [`serve`] with timers of another rhythm, for tests that cannot wait minutes.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    config: EngineConfig,
    timings: Timings,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), EngineError> {
    let addr = listener.local_addr().map_err(EngineError::Listener)?;
    let held = lock::write(&config.data_dir, addr, &config.api_key)?;
    raise_descriptor_limit();
    let engine = Engine::start(config, timings).await?;
    let gateway = ssh::open(&engine).await?;
    let stop = shutdown.child_token();
    let timers = tokio::spawn(lifecycle::timers::run(Arc::clone(&engine)));
    let sampling = tokio::spawn(lifecycle::sampling::run(Arc::clone(&engine)));
    let gateway = gateway.map(|gateway| tokio::spawn(ssh::serve(gateway, Arc::clone(&engine))));
    let alone = tokio::spawn(wait_until_alone(Arc::clone(&engine), stop.clone()));
    let noting = tokio::spawn(note_last_uses(Arc::clone(&engine)));

    // Small frames must not wait for the acknowledgement of earlier ones.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let ending = stop.clone();
    let service = router(Arc::clone(&engine)).into_make_service_with_connect_info::<SocketAddr>();
    let server =
        axum::serve(listener, service).with_graceful_shutdown(async move { ending.cancelled().await });
    let mut server = tokio::spawn(async move { server.await });
    let outcome = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        served = &mut server => Err(EngineError::Listener(match served {
            Ok(Ok(())) => std::io::Error::other("it closed"),
            Ok(Err(error)) => error,
            Err(error) => std::io::Error::other(error),
        })),
        () = engine.lost.cancelled() => Err(EngineError::SandboxesLost),
    };
    stop.cancel();
    timers.abort();
    sampling.abort();
    alone.abort();
    if let Some(gateway) = gateway {
        gateway.abort();
    }
    noting.abort();
    engine.identity.write_last_uses();
    lifecycle::end_all(&engine).await;
    engine.events.close();
    // Followers have their end now; a client that holds on is left.
    if !server.is_finished() && tokio::time::timeout(FAREWELL, &mut server).await.is_err() {
        server.abort();
    }
    drop(held);
    outcome
}

/// Ends the engine when its `serve` is gone: no request, and no open connection
/// to a sandbox, for the grace time.
async fn wait_until_alone(engine: SharedEngine, stop: CancellationToken) {
    let Some(grace) = engine.config.orphan_grace else {
        return;
    };
    let look = (grace / 4).clamp(Duration::from_millis(50), Duration::from_secs(10));
    loop {
        tokio::time::sleep(look).await;
        if engine
            .registry
            .list()
            .iter()
            .any(|entry| entry.activity.is_used())
        {
            engine.seen();
        }
        if engine.alone_for() >= grace {
            tracing::info!("nobody asked for {} s: the engine ends", grace.as_secs());
            stop.cancel();
            return;
        }
    }
}

/// Writes down, now and then, when keys were last used.
async fn note_last_uses(engine: SharedEngine) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let engine = Arc::clone(&engine);
        let written = tokio::task::spawn_blocking(move || engine.identity.write_last_uses());
        if let Err(error) = written.await {
            tracing::error!(%error, "the last uses of keys were not written down");
        }
    }
}

/// Pipes, sockets and logs of many sandboxes are many descriptors; systems
/// start processes with few and allow more.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
}
