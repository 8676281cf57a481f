//! Keeps this server's lease, takes over what others left, and lets go of what
//! others have taken.

use super::requests::hand_over;
use crate::{
    driver::{After, Context},
    recovery,
};
use model::RunId;
use std::{collections::HashSet, sync::Arc, time::Instant};
use store::{Hold, Result, StoreError};
use tokio::time::MissedTickBehavior;

/// Announces this server, and gives it what was left.
pub(crate) async fn register(context: &Context) -> Result<Vec<Hold>> {
    context.store.register_server(&context.replica).await?;
    context.store.adopt(&context.replica.instance).await?;
    context.store.take_left_runs(&context.replica).await
}

/// Runs until the process shuts down.
pub(crate) async fn keep(context: Arc<Context>) {
    if !context.store.is_shared() {
        return;
    }
    let mut every = tokio::time::interval(context.config.lease_renewal);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keeper = Keeper {
        since: None,
        left: Vec::new(),
    };
    let asked = |run: RunId| {
        if context.hub.get(&run).is_some() {
            let context = Arc::clone(&context);
            tokio::spawn(async move { hand_over(&context, &run).await });
        }
    };
    let ticks = async {
        loop {
            every.tick().await;
            if let Err(error) = keeper.tick(&context).await {
                tracing::warn!(%error, "the lease of this server could not be renewed");
            }
        }
    };
    tokio::select! {
        () = ticks => {}
        () = context.bell.ring(&context.store) => {}
        () = context.bell.hear(&context.store, asked) => {}
        () = context.shutdown.cancelled() => {}
    }
}

struct Keeper {
    /// Since when this server's lease has held without a break, once it had one.
    since: Option<Instant>,
    /// Runs that were given to this server and are not taken up yet.
    left: Vec<Hold>,
}

impl Keeper {
    async fn tick(&mut self, context: &Arc<Context>) -> Result<()> {
        let renewed = context.store.renew_server(&context.replica).await?;
        context.bell.others(renewed.others > 0);
        if renewed.lapsed {
            tracing::warn!("the lease of this server had ended; other servers may have taken its runs over");
            self.since = Some(Instant::now());
        }
        let_go(context).await?;
        // When the database was away, so it was for all: each is given the time to renew its lease.
        let waits = |since: Instant| since.elapsed() < context.config.lease;
        if !self.since.is_some_and(waits) {
            self.left
                .extend(context.store.take_left_runs(&context.replica).await?);
        }
        self.take_up(context).await?;
        for run in context.store.runs_with_requests(&context.replica).await? {
            hand_over(context, &run).await;
        }
        Ok(())
    }

    async fn take_up(&mut self, context: &Arc<Context>) -> Result<()> {
        while let Some(hold) = self.left.last().cloned() {
            tracing::info!(run = %hold.run, "taking over a run whose server is gone");
            match recovery::take_up(context, vec![hold], After::Takeover).await {
                Ok(()) | Err(StoreError::NotFound(_) | StoreError::Fenced(_)) => {}
                Err(error) => return Err(error),
            }
            self.left.pop();
        }
        Ok(())
    }
}

/// Lets go of runs that another server has. Those that write learn it by themselves; this is for those
/// that have nothing to write.
async fn let_go(context: &Context) -> Result<()> {
    let here = context.hub.all();
    if here.is_empty() {
        return Ok(());
    }
    let held = context.store.held_runs(&context.replica).await?;
    let held: HashSet<RunId> = held.into_iter().collect();
    for live in here {
        if held.contains(&live.id) {
            continue;
        }
        // One that has just ended is not among them either.
        if let Err(StoreError::Fenced(_)) = context.store.check_hold(&live.lease.hold).await {
            live.lease.lost.cancel();
        }
    }
    Ok(())
}
