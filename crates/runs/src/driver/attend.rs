//! While the program runs: its end, its time, and what it is asked for.

use super::{Driver, Verdict, Work, program::Program};
use crate::{
    command::signal_name,
    ingest::{Notice, Outcome},
    live::Request,
};
use model::{Millis, RunState, time::duration_words};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

impl Driver {
    /// Waits for what comes first: the program's end, a stop, or the end of its time.
    pub(super) async fn attend(&mut self, mut program: Program) -> Verdict {
        let deadline = tokio::time::Instant::now() + self.work.time_left();
        if let Some(once) = &self.work.once
            && (once.stdin.close || !once.stdin.bytes.is_empty())
        {
            // A program that ends without reading it has no need to be told.
            let (reply, _) = oneshot::channel();
            program.input.write(&once.stdin.bytes, once.stdin.close, reply);
        }
        loop {
            tokio::select! {
                outcome = &mut program.outcome => return match outcome {
                    Ok(Outcome::Exited { code, exact }) => self.work.exited(code, exact),
                    Ok(Outcome::Lost { reason }) => Verdict::lost(reason),
                    Err(error) => Verdict::lost(format!("Reading the program's output ended badly: {error}.")),
                },
                Some(notice) = program.notices.recv() => match notice {
                    Notice::Row(words) => self.work.record.system(words),
                    Notice::Trouble(words) => self.work.record.reason(words),
                },
                request = self.requests.next() => match request {
                    Some(Request::Stop { at }) => {
                        return self.work.end_program(RunState::Stopped, at, program).await;
                    }
                    Some(Request::Input { bytes, eof, reply }) => program.input.write(&bytes, eof, reply),
                    None => {}
                },
                () = tokio::time::sleep_until(deadline) => {
                    return self.work.end_program(RunState::TimedOut, Instant::now(), program).await;
                }
            }
        }
    }
}

impl Work {
    /// How long the program may still run. After a restart only the clock on the wall knows.
    fn time_left(&self) -> Duration {
        let run = self.record.run();
        let allowed = Duration::from_secs(u64::from(run.timeout_seconds));
        let used = match (self.started, run.started_at) {
            (Some(started), _) => started.elapsed(),
            (None, Some(at)) => Duration::from_millis(Millis::now().since(at)),
            (None, None) => Duration::ZERO,
        };
        allowed.saturating_sub(used)
    }

    /// How long the program has run, in words.
    pub(super) fn run_words(&self) -> String {
        let milliseconds = match (self.started, self.record.run().started_at) {
            (Some(started), _) => u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            (None, Some(at)) => Millis::now().since(at),
            (None, None) => 0,
        };
        duration_words(milliseconds)
    }

    pub(super) fn exited(&self, code: i32, exact: bool) -> Verdict {
        let took = self.run_words();
        let signal = signal_name(code).map_or_else(String::new, |name| format!(" ({name})"));
        let failed = code != 0;
        Verdict {
            state: if failed {
                RunState::Failed
            } else {
                RunState::Succeeded
            },
            reason: failed.then(|| format!("The program ended with code {code}{signal}.")),
            exit_code: Some(code),
            stop: None,
            exact,
            row: Some(format!("Exited with code {code}{signal} after {took}")),
        }
    }
}
