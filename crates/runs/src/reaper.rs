//! Compares the provider with our rows, again and again, and deletes what no
//! row wants. It is the answer to every crash between two steps: whatever was
//! begun and not ended is found here by its label.
//!
//! | row | at the provider | what is done |
//! |---|---|---|
//! | none, `deleting` or `deleted` | there | deleted |
//! | `idle` or `archived`, its time over | there | deleted |
//! | `intended`, `in use`, of a run or an interpreter that has ended or is gone | any | deleted |
//! | `idle`, `archived` or on the way between, gone | gone | noted |
//! | `archiving` or `restoring` for ten minutes | there | ended, as its server may be gone |
//! | of a run under way at any server, of an interpreter, or `idle` with time left | there | left alone |
//! | any, of another installation | any | never touched |

use crate::{
    driver::Context,
    sandboxes::{AT_ONCE, GONE_TIMEOUT, LEFT_AFTER_MS, SANDBOX_LABEL},
    usage,
};
use daytona::Sandbox;
use futures::StreamExt as _;
use model::{Millis, ReaperRound, SandboxId, SandboxRecord, SandboxState};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Instant,
};

/// Runs until the process shuts down.
pub(crate) async fn reap(context: Arc<Context>) {
    loop {
        let began = Instant::now();
        context.rounds.begin();
        let tally = Tally::default();
        // What is cut off here by a shutdown is taken up by the next start, as after a crash.
        let compared = tokio::select! {
            compared = once(&context, &tally) => compared,
            () = context.shutdown.cancelled() => return,
        };
        if let Err(error) = &compared {
            tracing::warn!(error, "the reaper could not compare the provider with our rows");
        }
        context.rounds.end(ReaperRound {
            at: Millis::now(),
            took: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            listed: tally.listed.into_inner(),
            deleted: tally.deleted.into_inner(),
            failed: tally.failed.into_inner(),
            error: compared.err(),
        });
        tokio::select! {
            () = context.rounds.wait(context.config.reap_every) => {}
            () = context.shutdown.cancelled() => return,
        }
    }
}

/// What a round has done so far.
#[derive(Default)]
struct Tally {
    listed: AtomicU32,
    deleted: AtomicU32,
    failed: AtomicU32,
}

impl Tally {
    /// Counts a deletion, and says that it is tried again when it failed.
    fn count(&self, sandbox: &str, deleted: Result<(), String>) -> bool {
        match deleted {
            Ok(()) => {
                tracing::info!(sandbox, "a sandbox that nothing wants was deleted");
                self.deleted.fetch_add(1, Relaxed);
                true
            }
            Err(error) => {
                tracing::warn!(sandbox, error, "it is tried again");
                self.failed.fetch_add(1, Relaxed);
                false
            }
        }
    }
}

/// One comparison.
async fn once(context: &Context, tally: &Tally) -> Result<(), String> {
    let sandboxes = &context.sandboxes;
    let now = Millis::now();
    // Expired ones first: after this no run takes them any more.
    let expired = context.store.expired_sandboxes(now, &context.replica).await;
    let expired = expired.map_err(|error| error.to_string())?;
    several_at_once(expired.into_iter().map(async |record| {
        // As it is now: a run may have taken it meanwhile, or a person archived it.
        let retired = context.store.retire_expired_sandbox(&record.id, now).await;
        if retired.unwrap_or(false) {
            delete(context, tally, &record).await;
        }
    }))
    .await;
    let there = context
        .client
        .list_all(&sandboxes.instance_labels())
        .await
        .map_err(|error| error.to_string())?;
    // After the provider's list, so that every sandbox in it has its row in this one.
    let rows = context
        .store
        .list_sandboxes_at(&context.replica)
        .await
        .map_err(|error| error.to_string())?;
    let ours: Vec<_> = there
        .iter()
        .filter(|sandbox| sandboxes.is_ours(sandbox))
        .collect();
    note_usage(context, &ours).await;
    tally
        .listed
        .store(u32::try_from(ours.len()).unwrap_or(u32::MAX), Relaxed);
    let names = rows.iter().map(|record| record.id.as_str());
    sandboxes.keep_deletions_of(
        &names
            .chain(ours.iter().map(|sandbox| sandbox.id.as_str()))
            .collect(),
    );
    let mut at_provider: HashMap<&str, Vec<&Sandbox>> = HashMap::new();
    for sandbox in ours {
        let label = sandbox.labels.get(SANDBOX_LABEL).map_or("", String::as_str);
        at_provider.entry(label).or_default().push(sandbox);
    }
    let pairs: Vec<_> = rows
        .iter()
        .map(|record| (record, at_provider.remove(record.id.as_str()).unwrap_or_default()))
        .collect();
    several_at_once(pairs.into_iter().map(async |(record, found)| {
        settle(context, tally, record, &found).await;
    }))
    .await;
    let stranger_age = u64::try_from(context.config.stranger_age.as_millis()).unwrap_or(u64::MAX);
    // What is left has no row that is not `deleted`.
    let left: Vec<_> = at_provider.into_values().flatten().collect();
    let aged = known_since(context, &left, now);
    several_at_once(aged.into_iter().map(async |(sandbox, since)| {
        let row = match sandbox
            .labels
            .get(SANDBOX_LABEL)
            .map(|label| SandboxId::parse(label))
        {
            Some(Ok(id)) => context.store.sandbox(&id).await.ok(),
            _ => None,
        };
        // Not at once: it may be that of a row which is being written by another server.
        if row.is_some() || now.since(since) >= stranger_age {
            tracing::warn!(sandbox = %sandbox.id, "no row wants this sandbox, so it is deleted");
            let name = row.as_ref().map_or(sandbox.id.as_str(), |row| row.id.as_str());
            let deleted = sandboxes.delete_named(name, &sandbox.id, GONE_TIMEOUT).await;
            tally.count(&sandbox.id, deleted);
        }
    }))
    .await;
    Ok(())
}

/// Has those counted that stand at the provider, as they stand.
async fn note_usage(context: &Context, ours: &[&Sandbox]) {
    let seen: Vec<_> = ours
        .iter()
        .filter_map(|sandbox| {
            let row = SandboxId::parse(sandbox.labels.get(SANDBOX_LABEL)?).ok()?;
            usage::seen(&row, sandbox)
        })
        .collect();
    if let Err(error) = context.store.see_sandboxes(&seen).await {
        tracing::warn!(%error, "the usage of sandboxes could not be put on");
    }
}

/// These sandboxes with the time since when they are known to have no row; the others are forgotten.
fn known_since<'a>(context: &Context, left: &[&'a Sandbox], now: Millis) -> Vec<(&'a Sandbox, Millis)> {
    let mut strangers = context.rounds.strangers();
    strangers.retain(|id, _| left.iter().any(|sandbox| sandbox.id == *id));
    left.iter()
        .map(|sandbox| (*sandbox, *strangers.entry(sandbox.id.clone()).or_insert(now)))
        .collect()
}

/// Does these together, a few at a time: one that the provider holds up must not hold up the others.
async fn several_at_once<F: Future<Output = ()>>(work: impl Iterator<Item = F>) {
    let work: Vec<_> = work.collect();
    futures::stream::iter(work)
        .buffer_unordered(AT_ONCE)
        .for_each(|()| std::future::ready(()))
        .await;
}

/// Brings one row and what the provider has for it together.
async fn settle(context: &Context, tally: &Tally, record: &SandboxRecord, found: &[&Sandbox]) {
    match record.state {
        SandboxState::Intended | SandboxState::InUse if is_under_way(context, record).await => {}
        // Another server is about to delete it, at the end of its run.
        SandboxState::Deleting if is_away(context, record).await => {}
        SandboxState::Intended | SandboxState::InUse | SandboxState::Deleting => {
            // A run may have ended since the rows were read, and kept it.
            let now = context.store.sandbox(&record.id).await;
            if now.map_or(true, |now| now.state != record.state) {
                return;
            }
            // A second one under the same label goes with it.
            for sandbox in found {
                let name = record.id.as_str();
                let deleted = context
                    .sandboxes
                    .delete_named(name, &sandbox.id, GONE_TIMEOUT)
                    .await;
                if deleted.is_err() {
                    tally.count(&sandbox.id, deleted);
                    return;
                }
            }
            delete(context, tally, record).await;
        }
        SandboxState::Idle => {
            let Some(id) = &record.provider_id else { return };
            // The list may be late, so one that is missing from it is asked for by its id.
            let gone = found.is_empty()
                && context
                    .client
                    .get(id)
                    .await
                    .is_err_and(|error| error.is_not_found());
            if gone && context.store.retire_sandbox(&record.id).await.unwrap_or(false) {
                delete(context, tally, record).await;
            }
        }
        SandboxState::Archiving | SandboxState::Archived | SandboxState::Restoring => {
            rest(context, tally, record, found).await;
        }
        SandboxState::Deleted => {}
    }
    let is_kept = matches!(
        record.state,
        SandboxState::Idle | SandboxState::Archiving | SandboxState::Archived | SandboxState::Restoring
    );
    if is_kept || record.state == SandboxState::InUse {
        // Asked for twice because an answer was lost: the row knows one, the other is nobody's.
        for sandbox in found {
            if record.provider_id.as_ref().is_some_and(|id| *id != sandbox.id) {
                let id = sandbox.id.as_str();
                tally.count(id, context.sandboxes.delete_named(id, id, GONE_TIMEOUT).await);
            }
        }
    }
}

/// Of one that a person has put away, or that is on its way there or back.
async fn rest(context: &Context, tally: &Tally, record: &SandboxRecord, found: &[&Sandbox]) {
    let Some(id) = &record.provider_id else { return };
    let own = found.iter().find(|sandbox| sandbox.id == *id);
    let Some(own) = own else {
        // The list may be late.
        let asked = context.client.get(id).await;
        if asked.is_err_and(|error| error.is_not_found())
            && context
                .store
                .retire_resting_sandbox(&record.id)
                .await
                .unwrap_or(false)
        {
            delete(context, tally, record).await;
        }
        return;
    };
    let since = Millis::now().since(record.used_at);
    if i64::try_from(since).is_ok_and(|since| since > LEFT_AFTER_MS)
        && let Err(error) = context.sandboxes.settle_resting(record, own).await
    {
        tracing::warn!(sandbox = %record.id, %error, "it is tried again");
    }
}

/// Whether what a sandbox is for goes on: a run, here, at another server, or left by one that is gone and
/// taken over soon; or an interpreter. One of which that cannot be known is taken for it.
pub(crate) async fn is_under_way(context: &Context, record: &SandboxRecord) -> bool {
    let Some(run) = &record.run else {
        return context.store.has_interpreter(&record.id).await.unwrap_or(true);
    };
    context.hub.get(run).is_some() || context.store.is_unfinished(run).await.unwrap_or(true)
}

/// Whether that run is under way, and not here.
async fn is_away(context: &Context, record: &SandboxRecord) -> bool {
    let Some(run) = &record.run else { return false };
    context.hub.get(run).is_none() && context.store.is_shared() && is_under_way(context, record).await
}

async fn delete(context: &Context, tally: &Tally, record: &SandboxRecord) {
    tally.count(record.id.as_str(), context.sandboxes.delete(record).await);
}
