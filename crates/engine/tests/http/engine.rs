//! The engine that the tests talk to: this executable, started again. Its
//! settings come as environment variables (see `support`).

use std::time::Duration;

use ::engine::sandbox::IsolationChoice;
use ::engine::{EngineConfig, NetworkBound, Timings};
use tokio_util::sync::CancellationToken;

fn milliseconds(name: &str) -> Option<Duration> {
    Some(Duration::from_millis(std::env::var(name).ok()?.parse().ok()?))
}

fn paths(name: &str) -> Vec<std::path::PathBuf> {
    let named = std::env::var_os(name).unwrap_or_default();
    std::env::split_paths(&named)
        .filter(|path| path.is_absolute())
        .collect()
}

/// Serves until it is told to end.
pub fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("ENGINE_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let isolation = std::env::var("ENGINE_ISOLATION").unwrap_or_default();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (key, data_dir) = (std::env::var("ENGINE_KEY")?, std::env::var("ENGINE_DATA")?);
        let mut config = EngineConfig {
            isolation: isolation.parse().unwrap_or(IsolationChoice::Auto),
            network_default: match std::env::var("ENGINE_NETWORK") {
                Ok(text) => text.parse().map_err(anyhow::Error::msg)?,
                Err(_) => NetworkBound::off(),
            },
            sandbox_env: std::env::var("ENGINE_SANDBOX_ENV")
                .unwrap_or_default()
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            runtime_dir: std::env::var_os("ENGINE_RUNTIME").map(Into::into),
            python: paths("ENGINE_PYTHON"),
            node: paths("ENGINE_NODE"),
            warm: std::env::var("ENGINE_WARM").map_or(0, |count| count.parse().unwrap_or(0)),
            rate_limits: std::env::var("ENGINE_RATE_LIMITS")
                .map_or_else(|_| Ok(Default::default()), |text| text.parse())
                .map_err(anyhow::Error::msg)?,
            context_idle: milliseconds("ENGINE_CONTEXT_IDLE_MS").unwrap_or(Duration::from_secs(3600)),
            image_substitution: std::env::var_os("ENGINE_SUBSTITUTION").is_some(),
            images: std::env::var("ENGINE_IMAGES")
                .unwrap_or_default()
                .parse()
                .map_err(anyhow::Error::msg)?,
            orphan_grace: milliseconds("ENGINE_ORPHAN_MS"),
            ..EngineConfig::new(addr, key, data_dir)
        };
        let usual = Timings::default();
        let minute = milliseconds("ENGINE_MINUTE_MS");
        if let Ok(addr) = std::env::var("ENGINE_SSH") {
            config.ssh_addr = Some(addr.parse()?);
        }
        if let Ok(domain) = std::env::var("ENGINE_PREVIEW_DOMAIN") {
            config.preview_domain = domain;
        }
        let timings = Timings {
            minute: minute.unwrap_or(usual.minute),
            tick: minute.map_or(usual.tick, |minute| minute / 4),
            sample: milliseconds("ENGINE_SAMPLE_MS").unwrap_or(usual.sample),
            heartbeat: milliseconds("ENGINE_HEARTBEAT_MS").unwrap_or(usual.heartbeat),
        };
        let shutdown = CancellationToken::new();
        let ending = shutdown.clone();
        tokio::spawn(async move {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
            match &mut terminate {
                Ok(signal) => tokio::select! {
                    _ = signal.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                },
                Err(error) => tracing::error!(%error, "no signal ends this engine in order"),
            }
            ending.cancel();
        });
        Ok(engine::serve_with(config, timings, listener, shutdown).await?)
    })
}
