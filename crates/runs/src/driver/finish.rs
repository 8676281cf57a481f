//! The end of a run: the log completed, the sandbox cleaned up, the state told.

use super::{Claim, Verdict, Work};
use crate::{
    book::until_done,
    handle::{Handle, KnownEnd, Stage, session_of},
    sandboxes::GONE_TIMEOUT,
};
use model::{LogEnd, Phase, RunState};
use std::{sync::Arc, time::Duration};

/// How long the sandbox of a lost run may take to be gone before it is left to the reaper.
const LOST_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a sandbox that was asked for and is not wanted any more is waited for.
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(30);

impl Work {
    /// Everything between the program's end and the run's. What is certain is written first.
    pub(super) async fn finish(&mut self, verdict: Verdict) {
        let Verdict {
            state,
            reason,
            exit_code,
            stop,
            exact,
            row,
        } = verdict;
        let reason = reason.map(|words| self.record.masked(words));
        self.record.end_phase(
            None,
            matches!(state, RunState::Failed | RunState::Lost | RunState::TimedOut),
        );
        if let Some(row) = row {
            self.record.system(row);
        }
        self.record.change(|run| {
            run.exit_code = exit_code;
            if stop.is_some() {
                run.stop.clone_from(&stop);
            }
        });
        // Before anything that can be learned once only is let go of. A run that never had a program has
        // its end there too.
        let handle = self
            .handle
            .get_or_insert_with(|| Handle::intended(Stage::Packages, 0));
        handle.end = Some(KnownEnd {
            state,
            reason: reason.clone(),
            exit_code,
            stop,
            exact,
        });
        self.note_handle().await;
        self.record.state(RunState::Finishing, reason.clone());
        self.record.begin(Phase::CleanUp);
        let claim = std::mem::replace(&mut self.claim, Claim::None);
        // Only a sandbox whose program ended by itself or was ended with proof may be used again.
        let (keep, patience) = match state {
            // Why it is lost is most often that the provider is away: the reaper has more time.
            RunState::Lost => (0, LOST_TIMEOUT),
            _ => (self.settings.keep_minutes, GONE_TIMEOUT),
        };
        // The log first: until it is stored, the sandbox has the only other copy of its end.
        let end = self.store_log(exact).await;
        let cleaned = self.clean_up(claim, keep, patience).await;
        let (detail, failed) = match cleaned {
            Ok(detail) => (detail, false),
            Err(error) => {
                self.record
                    .system(format!("{error} It is tried again every minute."));
                ("tried again".to_owned(), true)
            }
        };
        self.record.end_phase(Some(detail), failed);
        self.record.state(state, reason);
        self.end = Some(end);
    }

    /// Stores what is left of the log and its end record.
    async fn store_log(&self, exact: bool) -> LogEnd {
        if let Some(end) = &self.end {
            // An earlier process has done it.
            return end.clone();
        }
        let ledger = &self.record.live().ledger;
        ledger.let_go();
        ledger.drained().await;
        let tail = ledger.tail();
        if let Some(last) = tail.last() {
            let end = last.first_offset + last.length;
            self.book.append(&tail).await;
            ledger.stored(end);
        }
        let end = ledger.end(exact);
        self.book.end_log(&end).await;
        end
    }

    /// Deletes the sandbox or keeps it; says which in a few words.
    async fn clean_up(&self, claim: Claim, keep_minutes: u32, patience: Duration) -> Result<String, String> {
        let sandboxes = &self.context.sandboxes;
        let hold = &self.book.lease.hold;
        match claim {
            Claim::None => Ok("nothing to do".to_owned()),
            Claim::Row(record) => {
                sandboxes.delete_for(hold, &record, patience).await?;
                Ok("deleted".to_owned())
            }
            Claim::Held(held) if keep_minutes > 0 => {
                // Ends what the program left running, so that the next run finds the sandbox quiet.
                let session = session_of(&self.record.run().id);
                let grace = Some(self.context.config.stop_grace);
                let ended = held.toolbox.delete_session(&session, grace).await;
                let taken_back = self.take_back(&held).await;
                match ended {
                    _ if taken_back.is_err() => {}
                    Ok(end) if end.left.unwrap_or(0) > 0 => {}
                    Err(error) if !error.is_not_found() && !error.is_gone() => {}
                    _ => {
                        sandboxes.keep(hold, *held, keep_minutes).await?;
                        return Ok("when idle".to_owned());
                    }
                }
                sandboxes.delete_for(hold, &held.record, patience).await?;
                Ok("deleted".to_owned())
            }
            Claim::Held(held) => {
                sandboxes.delete_for(hold, &held.record, patience).await?;
                Ok("deleted".to_owned())
            }
            Claim::Asked(asked) => {
                // It may come at any moment, and goes as soon as it has.
                let (sandboxes, hold) = (Arc::clone(sandboxes), hold.clone());
                let deletion = self.context.tasks.spawn(async move {
                    let record = match asked.task.await {
                        Ok(Ok(held)) => held.record,
                        _ => asked.record,
                    };
                    sandboxes.delete_for(&hold, &record, GONE_TIMEOUT).await
                });
                match tokio::time::timeout(UNWANTED_TIMEOUT, deletion).await {
                    Ok(Ok(deleted)) => deleted.map(|()| "deleted".to_owned()),
                    Ok(Err(error)) => Err(format!("The clean-up ended badly: {error}.")),
                    Err(_) => Err("The provider has not answered the request for a sandbox yet.".to_owned()),
                }
            }
        }
    }

    /// Tells readers that this was all.
    pub(super) async fn conclude(self) {
        let live = Arc::clone(self.record.live());
        self.writer.finish().await;
        // In the database before anybody hears of the end: a reader that comes later finds it there.
        self.record.finish().await;
        // Another server may have taken it over in the last moment: then the end is that one's to tell,
        // and what the run was given is still needed.
        if self.book.lease.lost.is_cancelled() {
            live.closed.cancel();
            self.context.hub.remove(&live.id);
            return;
        }
        // What cannot be helped is said in the log of this server.
        let _ = until_done(&live.id, "what it was given", || {
            self.context.store.forget_run_environment(&live.id)
        })
        .await;
        if let Some(end) = self.end {
            live.publish_end(end);
        }
        self.context.hub.remove(&live.id);
        if self.context.store.is_shared()
            && let Err(error) = self.context.store.forget_requests(&live.id).await
        {
            tracing::debug!(run = %live.id, %error, "what was asked of an ended run stays noted");
        }
    }

    /// Lets go of a run that another server drives: nothing is written, nothing asked of the provider.
    pub(super) fn give_up(self) {
        let live = Arc::clone(self.record.live());
        tracing::warn!(run = %live.id, "another server drives this run now");
        self.context.hub.remove(&live.id);
        live.closed.cancel();
    }

    /// Stores what is known and lets go of the run without an end.
    pub(super) async fn leave(self) {
        let live = Arc::clone(self.record.live());
        self.writer.finish().await;
        self.record.finish().await;
        live.closed.cancel();
    }
}
