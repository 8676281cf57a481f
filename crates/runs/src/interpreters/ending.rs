//! The end of interpreters: their row first, then their sandbox.

use crate::driver::Context;
use model::{InterpreterId, Millis, SandboxId};
use std::{sync::Arc, time::Duration};

/// How often is looked for those that nobody uses.
const LOOK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Ends those that nobody used for too long, until the process shuts down.
pub(crate) async fn end_unused(context: Arc<Context>) {
    let pause = (context.config.interpreter_idle / 4).clamp(LOOK.0, LOOK.1);
    loop {
        if let Err(error) = look(&context).await {
            tracing::warn!(%error, "interpreters that nobody uses could not be ended");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.shutdown.cancelled() => return,
        }
    }
}

async fn look(context: &Context) -> store::Result<()> {
    let now = Millis::now();
    for place in context.store.expired_interpreters(now, &context.replica).await? {
        let id = &place.interpreter.id;
        // Else it was used since, or another server was faster.
        if context.store.end_interpreter(id, Some(now)).await? {
            tracing::info!(interpreter = %id, "an interpreter that nobody used has ended");
            clean_up(context, id, &place.sandbox).await;
        }
    }
    Ok(())
}

/// Deletes the sandbox of an interpreter whose row is gone, without waiting for it.
pub(super) async fn clean_up(context: &Context, id: &InterpreterId, sandbox: &SandboxId) {
    context.interpreters.forget(id);
    match context.store.sandbox(sandbox).await {
        Ok(record) => Arc::clone(&context.sandboxes).delete_later(record),
        // It was never asked for.
        Err(store::StoreError::NotFound(_)) => {}
        Err(error) => tracing::warn!(%error, "the sandbox of an interpreter is left to the reaper"),
    }
}
