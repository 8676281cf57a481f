//! The SSH gateway: a shell in a sandbox for whoever has a ticket to it.
//!
//! The ticket's token is the user name, as at Daytona; there is nothing else to
//! show. Shells, commands and the sandbox's own ports are served; the protocol
//! itself is `russh`'s.

mod host_key;
mod session;
mod visitor;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{Config, run_stream};
use russh::{MethodKind, MethodSet};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::EngineError;
use crate::state::SharedEngine;
use visitor::Visitor;

/// Connections at the same time.
const CONNECTIONS: usize = 256;
/// How long a client may take until it has shown a ticket.
const LOGIN: Duration = Duration::from_secs(30);

/// A gateway that listens already.
pub(crate) struct Gateway {
    listener: TcpListener,
    config: Arc<Config>,
}

/// Opens the gateway, when the engine is to have one.
pub(crate) async fn open(engine: &SharedEngine) -> Result<Option<Gateway>, EngineError> {
    let Some(addr) = engine.config.ssh_addr else {
        return Ok(None);
    };
    let failed = |source| EngineError::Ssh { addr, source };
    let key = host_key::load(&engine.config.data_dir).map_err(failed)?;
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let _ = engine.ssh.set(listener.local_addr().map_err(failed)?);
    Ok(Some(Gateway {
        listener,
        config: Arc::new(config(key)),
    }))
}

fn config(key: PrivateKey) -> Config {
    Config {
        methods: MethodSet::from([MethodKind::None, MethodKind::Password].as_slice()),
        auth_rejection_time: Duration::from_secs(1),
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        max_auth_attempts: 4,
        // A silent shell stays; a client that is gone is noticed.
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(30)),
        keepalive_max: 3,
        nodelay: true,
        ..Config::default()
    }
}

/// Serves until the future is dropped.
pub(crate) async fn serve(gateway: Gateway, engine: SharedEngine) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let connection = match gateway.listener.accept().await {
            Ok((connection, _)) => connection,
            Err(error) => {
                tracing::warn!(%error, "the SSH gateway could not take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // One too many is closed at once.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let (config, engine) = (Arc::clone(&gateway.config), Arc::clone(&engine));
            tokio::spawn(async move {
                if let Err(error) = visit(config, connection, engine).await {
                    tracing::debug!(%error, "an SSH connection ended");
                }
                drop(place);
            });
        }
    }
}

async fn visit(config: Arc<Config>, connection: TcpStream, engine: SharedEngine) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let visitor = Visitor::new(engine);
    let admitted = visitor.admitted();
    let late = || io::Error::from(io::ErrorKind::TimedOut);
    let running = timeout(LOGIN, run_stream(config, connection, visitor)).await;
    let mut running = running.map_err(|_| late())?.map_err(io::Error::other)?;
    let handle = running.handle();
    tokio::select! {
        ended = &mut running => return ended.map_err(io::Error::other),
        () = admitted.cancelled() => {}
        () = tokio::time::sleep(LOGIN) => {
            let reason = russh::Disconnect::ByApplication;
            let _ = handle.disconnect(reason, "no ticket was shown".into(), String::new()).await;
            return Err(late());
        }
    }
    running.await.map_err(io::Error::other)
}
