//! Puts together what a run needs while it is driven, and starts its driver.

use crate::{
    book::Book,
    driver::{Beginning, Context, Driver, Resumed},
    journal::Journal,
    ledger::{Ledger, Limits, Writer},
    live::LiveRun,
    once::Once,
    queue::Ticket,
    record::Record,
    replicas::Lease,
};
use futures::FutureExt as _;
use model::{AgentSettings, Phase, Run, RunEvent};
use std::{panic::AssertUnwindSafe, sync::Arc};
use store::Revision;
use tokio::sync::mpsc;

/// What a new run is started with.
pub(crate) struct New {
    pub(crate) revision: Revision,
    /// Whether to make a new sandbox even when a live one stands.
    pub(crate) fresh: bool,
    /// Its place in the line.
    pub(crate) ticket: Ticket,
    /// What it is given for once.
    pub(crate) once: Option<Once>,
}

/// What an earlier process left of a run.
pub(crate) struct Left {
    pub(crate) events: Vec<RunEvent>,
    /// How far its log is stored.
    pub(crate) offset: u64,
    pub(crate) lines: u64,
    /// Where the masking of its log was.
    pub(crate) mark: Option<String>,
    pub(crate) resumed: Resumed,
}

/// Starts the driver of a run, and gives the run as it is then.
pub(crate) fn spawn(
    context: &Arc<Context>,
    lease: Lease,
    run: Run,
    settings: AgentSettings,
    how: Result<New, Left>,
) -> Run {
    let limits = Limits {
        log: context.config.log_limit,
        ring: context.config.ring,
    };
    let (start, beginning, events, (offset, lines), mark) = match how {
        Ok(new) => (
            Some((new.revision, new.fresh, new.once)),
            Beginning::InLine(new.ticket),
            Vec::new(),
            (0, 0),
            None,
        ),
        Err(left) => (
            None,
            Beginning::Left(Box::new(left.resumed)),
            left.events,
            (left.offset, left.lines),
            left.mark,
        ),
    };
    let known = events.last().map_or(0, |event| event.seq);
    let ledger = Arc::new(Ledger::new(limits, offset, lines, mark.as_deref()));
    let (requests, received) = mpsc::unbounded_channel();
    let closed = context.shutdown.child_token();
    let live = Arc::new(LiveRun::new(
        run.clone(),
        events,
        Arc::clone(&ledger),
        requests,
        closed,
        lease.clone(),
    ));
    context.hub.insert(Arc::clone(&live));
    let book = Book::new(
        context.store.clone(),
        lease,
        Arc::clone(&context.bell),
        context.config.watch.clone(),
    );
    let journal = Journal::start(book.clone());
    let writer = Writer::start(book.clone(), ledger);
    let mut record = Record::new(
        run,
        live,
        journal,
        known,
        context.masks.own(),
        context.config.watch.clone(),
    );
    book.told_by(record.scribe());
    if matches!(beginning, Beginning::InLine(_)) {
        record.begin(Phase::Queued);
    }
    let run = record.run().clone();
    let driver = Driver::new(
        Arc::clone(context),
        book,
        record,
        writer,
        received,
        settings,
        start,
    );
    let (guarded, id) = (Arc::clone(context), run.id.clone());
    context.tasks.spawn(async move {
        // A mistake of ours must not leave readers waiting for ever. The run is taken up at the next start.
        if AssertUnwindSafe(driver.drive(beginning))
            .catch_unwind()
            .await
            .is_err()
        {
            tracing::error!(run = %id, "the driver of a run panicked");
            if let Some(live) = guarded.hub.get(&id) {
                live.closed.cancel();
            }
            guarded.hub.remove(&id);
        }
    });
    run
}
