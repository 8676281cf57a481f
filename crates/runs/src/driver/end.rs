//! Ending a program, and proving that it is dead.

use super::{Claim, Verdict, Work, program::Program};
use crate::{handle::session_of, sandboxes::GONE_TIMEOUT};
use model::{RunState, SandboxRecord, StopProof, time::duration_words};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How long the rest of the output may take after the program was ended.
const REST_OF_OUTPUT: Duration = Duration::from_secs(3);
/// The longest pause between two tries to reach the provider.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Work {
    pub(super) fn stopped_before_the_start(at: Instant) -> Verdict {
        Verdict {
            state: RunState::Stopped,
            reason: Some("Stopped before the program was started.".to_owned()),
            exit_code: None,
            stop: Some(proof(at, Some(0))),
            exact: true,
            row: Some("Stopped before the program was started".to_owned()),
        }
    }

    /// Ends a run whose sandbox is being prepared. Whatever was started in it by then is ended with it.
    pub(super) async fn stop_preparing(&mut self, at: Instant) -> Verdict {
        self.record.reason(Some("Stopping.".to_owned()));
        self.record.end_phase(Some("stopped".to_owned()), false);
        if self.handle.is_none() {
            return Self::stopped_before_the_start(at);
        }
        match self.end_session(at).await {
            Ok(proof) => self.stopped(RunState::Stopped, proof, true),
            Err(reason) => Verdict::lost(reason),
        }
    }

    /// Ends the program and everything it started.
    pub(super) async fn end_program(&mut self, why: RunState, at: Instant, mut program: Program) -> Verdict {
        let waits = match why {
            RunState::TimedOut => "The time is over. Ending the program.",
            _ => "Stopping.",
        };
        self.record.reason(Some(waits.to_owned()));
        // Together: a database that is away must not keep the program alive, and a stop outlives a restart.
        if let Some(handle) = &mut self.handle {
            handle.ending = Some(why);
        }
        let earlier = self.noting.take();
        let (handle, book) = (self.handle.clone(), self.book.clone());
        self.noting = Some(self.context.tasks.spawn(async move {
            if let Some(earlier) = earlier {
                let _ = earlier.await;
            }
            if let Some(handle) = handle {
                handle.save(&book).await;
            }
        }));
        let ended = self.end_session(at).await;
        // What it wrote until then is still on its way to us.
        let _ = tokio::time::timeout(REST_OF_OUTPUT, &mut program.outcome).await;
        let exact = program.complete.load(Ordering::Acquire);
        match ended {
            Ok(proof) => self.stopped(why, proof, exact),
            Err(reason) => Verdict::lost(reason),
        }
    }

    fn stopped(&mut self, state: RunState, proof: StopProof, exact: bool) -> Verdict {
        let seconds = u64::from(self.record.run().timeout_seconds);
        let reason = match state {
            RunState::TimedOut => format!(
                "It ran longer than the {} it may.",
                duration_words(seconds.saturating_mul(1000))
            ),
            _ => "Somebody stopped it.".to_owned(),
        };
        let begin = match state {
            RunState::TimedOut => "Timed out",
            _ => "Stopped",
        };
        let count = match proof.ended {
            Some(1) => "1 process ended, none left".to_owned(),
            Some(ended) => format!("{ended} processes ended, none left"),
            None => "no process left".to_owned(),
        };
        let row = format!(
            "{begin} after {}: {count} ({})",
            self.run_words(),
            duration_words(proof.took)
        );
        self.record.stopped(proof.clone());
        Verdict {
            state,
            reason: Some(reason),
            exit_code: None,
            stop: Some(proof),
            exact,
            row: Some(row),
        }
    }

    /// Ends the session with everything in it. Returns when the provider has verified that nothing is
    /// left; when it cannot, the whole sandbox is ended.
    async fn end_session(&mut self, at: Instant) -> Result<StopProof, String> {
        let (toolbox, record) = match &self.claim {
            Claim::Held(held) => (held.toolbox.clone(), held.record.clone()),
            // After a restart: the program was not found again yet.
            Claim::Row(record) => {
                let record = record.clone();
                return self.end_sandbox(at, &record, "it was not found again").await;
            }
            Claim::None | Claim::Asked(_) => return Ok(proof(at, None)),
        };
        let session = session_of(&self.record.run().id);
        let grace = self.context.config.stop_grace;
        let mut pause = Duration::from_millis(50);
        let trouble = loop {
            let error = match toolbox.delete_session(&session, Some(grace)).await {
                Ok(end) if end.left.unwrap_or(0) == 0 => return Ok(proof(at, end.ended)),
                Ok(_) => break "processes were left after the session was ended".to_owned(),
                // Nothing of it is there: either it never began, or it is over.
                Err(error) if error.is_not_found() || error.is_gone() => return Ok(proof(at, None)),
                Err(error) => error,
            };
            if at.elapsed() >= self.context.config.provider_deadline {
                break error.to_string();
            }
            self.record.reason(Some(format!(
                "Stopping. The provider does not answer yet: {error}."
            )));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        self.end_sandbox(at, &record, &trouble).await
    }

    /// Ends the whole sandbox, and so everything in it.
    async fn end_sandbox(
        &mut self,
        at: Instant,
        record: &SandboxRecord,
        trouble: &str,
    ) -> Result<StopProof, String> {
        self.record
            .reason(Some("Stopping. The whole sandbox is ended.".to_owned()));
        let hold = &self.book.lease.hold;
        match self
            .context
            .sandboxes
            .delete_for(hold, record, GONE_TIMEOUT)
            .await
        {
            Ok(()) => {
                self.claim = Claim::None;
                Ok(proof(at, None))
            }
            Err(error) => Err(format!(
                "The program could not be ended ({trouble}). {error} It is tried again every minute."
            )),
        }
    }
}

fn proof(at: Instant, ended: Option<u32>) -> StopProof {
    StopProof {
        took: u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX),
        ended,
        left: 0,
    }
}
