//! Taking up a run that an earlier process left. The program is looked for
//! where it was, and its log read on; nothing is ever started again.

use super::{Claim, Driver, Verdict, Work};
use crate::{
    command::command_line,
    handle::{Handle, Stage, session_of},
    ingest::{ended_words, gone_words},
    ledger::Digest,
    sandboxes::Held,
};
use daytona::SandboxState as ProviderState;
use model::{
    RunState, SandboxRecord,
    log::{self, Record},
};
use std::time::{Duration, Instant};

/// How long the rest of a log may take whose program ended before the restart.
const REST_OF_OUTPUT: Duration = Duration::from_secs(10);
/// How much of a stored log is read at once, in bytes.
const READ_BYTES: u64 = 4 << 20;

/// What is known of a run that was left.
pub(crate) struct Resumed {
    pub(crate) handle: Option<Handle>,
    /// The row of its sandbox, if it had one.
    pub(crate) sandbox: Option<SandboxRecord>,
}

impl Driver {
    /// Goes on where the other process ended.
    pub(super) async fn resume(&mut self, resumed: Resumed) -> Verdict {
        let Resumed { handle, sandbox } = resumed;
        self.work.restore_digest().await;
        if let Some(record) = &sandbox {
            self.work.claim = Claim::Row(record.clone());
        }
        let known = handle.as_ref().and_then(|handle| handle.verdict.clone());
        let Some(handle) = handle.filter(|handle| handle.stage == Stage::Program) else {
            return Verdict::not_started(
                "Pitlane ended before the program was started. Start it again.".to_owned(),
            );
        };
        self.work.handle = Some(handle.clone());
        let found = tokio::select! {
            found = self.work.find_again(sandbox, handle) => found,
            at = self.requests.stop() => return self.work.stop_preparing(at).await,
        };
        let mut program = match (found, known) {
            (Ok(program), None) => {
                self.work.record.state(RunState::Running, None);
                return self.attend(program).await;
            }
            (Err(reason), None) => return Verdict::lost(reason),
            (Err(_), Some(known)) => return self.work.decided(known, false),
            (Ok(program), Some(known)) => {
                // How it ended was certain before the restart; the rest of its log may still be there.
                self.work
                    .handle
                    .as_mut()
                    .map(|handle| handle.verdict.replace(known.clone()));
                (program, known)
            }
        };
        let _ = tokio::time::timeout(REST_OF_OUTPUT, &mut program.0.outcome).await;
        let complete = program.0.complete.load(std::sync::atomic::Ordering::Acquire);
        self.work.decided(program.1, complete)
    }
}

impl Work {
    fn decided(&self, (state, reason): (RunState, Option<String>), exact: bool) -> Verdict {
        Verdict {
            state,
            reason,
            exit_code: self.record.run().exit_code,
            stop: self.record.run().stop.clone(),
            exact,
            row: None,
        }
    }

    /// Hashes what the earlier process stored, so that the hash goes on with it.
    async fn restore_digest(&self) {
        let (end, _) = self.record.live().ledger.position();
        let mut digest = Digest::default();
        let mut offset = 0;
        while offset < end {
            let run = &self.record.run().id;
            let chunks = crate::journal::until_done(run, "reading its log", || {
                self.context.store.chunks_from(run, offset, READ_BYTES)
            })
            .await
            .unwrap_or_default();
            let Some(last) = chunks.last() else {
                digest.skip();
                break;
            };
            offset = last.first_offset + last.length;
            for record in chunks.iter().flat_map(|chunk| log::decode(&chunk.frames)) {
                match record {
                    Ok(Record::Output { bytes, .. }) => digest.update(bytes),
                    Ok(Record::Gap { .. }) | Err(_) => digest.skip(),
                }
            }
        }
        self.record.live().ledger.restore(digest);
    }

    /// Finds the program where it was left.
    async fn find_again(
        &mut self,
        sandbox: Option<SandboxRecord>,
        mut handle: Handle,
    ) -> Result<super::program::Program, String> {
        let held = self.find_sandbox(sandbox).await?;
        let toolbox = held.toolbox.clone();
        self.claim = Claim::Held(Box::new(held));
        let command = match &handle.command {
            Some(command) => command.clone(),
            None => {
                let command = self.find_command(&toolbox).await?;
                handle.command = Some(command.clone());
                self.handle = Some(handle.clone());
                handle.save(&self.context.store, &self.record.run().id).await;
                command
            }
        };
        Ok(self.attach(toolbox, &command, self.context.config.provider_deadline))
    }

    async fn find_sandbox(&self, record: Option<SandboxRecord>) -> Result<Held, String> {
        let provider = self.context.config.provider;
        let (id, record) = match record.and_then(|record| Some((record.provider_id.clone()?, record))) {
            Some(known) => known,
            None => return Err(gone_words(provider)),
        };
        let began = Instant::now();
        let sandbox = loop {
            match self.context.client.get(&id).await {
                Ok(sandbox) => break sandbox,
                Err(error) if error.is_not_found() => return Err(gone_words(provider)),
                Err(error) if began.elapsed() >= self.context.config.provider_deadline => {
                    return Err(format!(
                        "After a restart of Pitlane the provider could not be reached, so how the program ended cannot be known: {error}."
                    ));
                }
                Err(error) => tracing::warn!(%error, "the provider is asked again for a sandbox"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let state = sandbox.state.unwrap_or_default();
        if state != ProviderState::Started {
            return Err(ended_words(provider, state, sandbox.error_reason));
        }
        let toolbox = self
            .context
            .client
            .toolbox(&sandbox)
            .await
            .map_err(|error| format!("The sandbox cannot be reached: {error}."))?;
        Ok(Held {
            record,
            sandbox,
            toolbox,
            reused: true,
        })
    }

    /// The command of a program whose id was not written down any more.
    async fn find_command(&self, toolbox: &daytona::Toolbox) -> Result<String, String> {
        let run = self.record.run();
        let line = command_line(run.language, &run.entrypoint, &run.args);
        let session = toolbox.session(&session_of(&run.id)).await.map_err(|error| {
            format!("Pitlane ended while it started the program. Whether it ran cannot be known: {error}.")
        })?;
        let found = session
            .commands
            .into_iter()
            .rev()
            .find(|command| command.command.trim() == line);
        found.map(|command| command.id).ok_or_else(|| {
            "Pitlane ended while it started the program, and the sandbox does not know it: it may not have run."
                .to_owned()
        })
    }
}
