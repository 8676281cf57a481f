//! Being told to stop: Ctrl+C or a service manager.

use crate::failure::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that the first of SIGINT and SIGTERM cancels. The second ends the process at once.
///
/// # Errors
/// When signals cannot be received.
pub fn on_signals() -> Result<CancellationToken, Failure> {
    let (mut interrupt, mut terminate) = (
        receive(SignalKind::interrupt())?,
        receive(SignalKind::terminate())?,
    );
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        told.cancel();
        let code = next(&mut interrupt, &mut terminate).await;
        std::process::exit(code);
    });
    Ok(token)
}

/// Waits for either, and gives the exit code that goes with it.
pub async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}

/// Receives a signal.
///
/// # Errors
/// When signals cannot be received.
pub fn receive(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::new(format!("Signals cannot be received: {error}.")))
}
