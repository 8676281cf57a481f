//! Being told to stop: Ctrl+C, a service manager, or a terminal that is closed.

use crate::failure::Failure;
use std::io::IsTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that the first of SIGINT and SIGTERM cancels. The second ends the process at once. In a
/// terminal SIGHUP is one of them; elsewhere it is [`crate::observation`]'s.
///
/// # Errors
/// When signals cannot be received.
pub fn on_signals() -> Result<CancellationToken, Failure> {
    let (mut interrupt, mut terminate) = (
        receive(SignalKind::interrupt())?,
        receive(SignalKind::terminate())?,
    );
    let mut hangup = match in_terminal() {
        true => Some(receive(SignalKind::hangup())?),
        false => None,
    };
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        let closed = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = next(&mut interrupt, &mut terminate) => {}
            _ = closed => {}
        }
        told.cancel();
        let code = next(&mut interrupt, &mut terminate).await;
        std::process::exit(code);
    });
    Ok(token)
}

/// Whether a person watches this process in a terminal.
pub fn in_terminal() -> bool {
    std::io::stderr().is_terminal()
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
