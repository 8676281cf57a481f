//! Delivers messages. A delivery is taken from the store for as long as an
//! attempt may last; a server that ends in the middle of one leaves it to
//! whoever looks when that time is over. So each message arrives at least
//! once, with the same id each time.

use super::{
    answer::Outcome,
    backoff,
    sender::{Letter, Sender},
};
use crate::driver::Context;
use model::Attempt;
use std::{sync::Arc, time::Duration};
use store::{Next, Parcel};
use tokio::{task::JoinSet, time::Instant};

/// How many messages are sent at once.
const AT_ONCE: usize = 16;
/// How long a delivery is this server's after an address had its time to answer.
const SPARE: Duration = Duration::from_secs(45);
/// How often old messages are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Delivers until the process shuts down.
pub(crate) async fn keep(context: Arc<Context>) {
    let sender = match Sender::new(&context.config.webhook_reach, context.config.webhook_patience) {
        Ok(sender) => sender,
        Err(error) => {
            tracing::error!(error, "webhooks cannot be sent");
            return;
        }
    };
    let lease = context.config.webhook_patience + SPARE;
    let mut under_way = JoinSet::new();
    let mut forget_at = Instant::now() + FORGET_EVERY;
    loop {
        if Instant::now() >= forget_at {
            forget_at = Instant::now() + FORGET_EVERY;
            if let Err(error) = context.store.forget_old_messages().await {
                tracing::warn!(%error, "old messages of webhooks could not be forgotten");
            }
        }
        let free = u32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or(0);
        if free > 0 {
            match context.store.take_parcels(free, lease).await {
                Ok(parcels) => {
                    for parcel in parcels {
                        under_way.spawn(deliver(Arc::clone(&context), sender.clone(), parcel));
                    }
                }
                Err(error) => tracing::warn!(%error, "webhooks could not be looked after"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(context.config.webhooks_every) => {}
            Some(ended) = under_way.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a delivery ended badly");
            },
            () = context.shutdown.cancelled() => return,
        }
    }
}

async fn deliver(context: Arc<Context>, sender: Sender, parcel: Parcel) {
    let sealed = std::iter::once(&parcel.sealed).chain(&parcel.sealed_previous);
    let secrets = sealed.filter_map(|sealed| context.vault.open(parcel.target.as_str(), sealed).ok());
    let outcome = sender
        .send(Letter {
            url: &parcel.url,
            message: &parcel.message,
            secrets: secrets.collect(),
            body: parcel.body.clone(),
        })
        .await;
    if let Err(error) = note(&context, &parcel, outcome).await {
        // It is sent again when our time with it is over.
        tracing::warn!(%error, delivery = parcel.id, "what came of a webhook could not be stored");
    }
}

async fn note(context: &Context, parcel: &Parcel, outcome: Outcome) -> Result<(), store::StoreError> {
    let now = outcome.attempt.at;
    let next = if outcome.is_taken() {
        Next::Delivered
    } else if outcome.is_gone() {
        Next::Failed
    } else {
        backoff::next(now, parcel.tries + 1, outcome.asked).map_or(Next::Failed, Next::Again)
    };
    let is_gone = outcome.is_gone();
    let attempt: Attempt = outcome.attempt;
    context.store.note_attempt(&parcel.id, &attempt, next).await?;
    if is_gone {
        let reason = "It answered 410 Gone: it does not want to be told any more.";
        context.store.switch_target_off(&parcel.target, reason).await?;
    }
    Ok(())
}
