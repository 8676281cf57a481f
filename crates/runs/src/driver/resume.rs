//! Taking up a run that an earlier process left. The program is looked for
//! where it was, and its log read on; nothing is ever started again.

use super::{Claim, Driver, Verdict, Work};
use crate::{
    book::until_done,
    command::command_line,
    environment,
    handle::{Handle, KnownEnd, Stage},
    ingest::{ended_words, gone_words},
    ledger::Digest,
    sandboxes::Held,
};
use daytona::SandboxState as ProviderState;
use model::{
    RunState, SandboxRecord, UserId,
    log::{self, Record},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// How long the rest of a log may take whose program ended before the restart.
const REST_OF_OUTPUT: Duration = Duration::from_secs(10);
/// How much of a stored log is read at once, in bytes.
const READ_BYTES: u64 = 4 << 20;

/// What is known of a run that was left.
pub(crate) struct Resumed {
    pub(crate) handle: Option<Handle>,
    /// The row of its sandbox, if it had one.
    pub(crate) sandbox: Option<SandboxRecord>,
    /// Whose share of the places it takes.
    pub(crate) person: UserId,
    /// Why it was left.
    pub(crate) after: After,
}

/// Why a run is taken up: said in its log, where it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// This server has just started.
    Restart,
    /// The server that drove it is gone.
    Takeover,
}

impl After {
    const fn words(self) -> &'static str {
        match self {
            Self::Restart => "Pitlane was restarted. The log goes on.",
            Self::Takeover => "Another server has taken this run over. The log goes on.",
        }
    }
}

impl Driver {
    /// Goes on where the other process ended.
    pub(super) async fn resume(&mut self, resumed: Resumed) -> Verdict {
        let Resumed {
            handle,
            sandbox,
            after,
            ..
        } = resumed;
        self.work.restore_digest().await;
        if let Some(record) = &sandbox {
            self.work.claim = Claim::Row(record.clone());
        }
        if let Err(reason) = self.work.recall().await {
            // Its output could hold secrets that nobody can find: it is left where it is.
            let known = handle.as_ref().and_then(|handle| handle.end.clone());
            return match known {
                Some(known) => self.work.take_up_end(known, None, handle, after).await,
                None => Verdict::lost(format!(
                    "After a restart of Pitlane the output of the program could not be masked. {reason}"
                )),
            };
        }
        if let Some(known) = handle.as_ref().and_then(|handle| handle.end.clone()) {
            return self.work.take_up_end(known, sandbox, handle, after).await;
        }
        let Some(handle) = handle.filter(|handle| handle.stage == Stage::Program) else {
            return Verdict::not_started(
                "Pitlane ended before the program was started. Start it again.".to_owned(),
            );
        };
        let ending = handle.ending;
        self.work.handle = Some(handle.clone());
        let found = tokio::select! {
            found = self.work.find_again(sandbox, handle, after) => found,
            at = self.requests.stop_and_keep() => return self.work.stop_preparing(at).await,
        };
        match (found, ending) {
            (Ok(program), None) => {
                self.work.record.state(RunState::Running, None);
                self.attend(program).await
            }
            // It was asked for before the restart, and nobody has heard that it was done.
            (Ok(program), Some(why)) => {
                self.work.record.state(RunState::Running, None);
                self.work.end_program(why, Instant::now(), program).await
            }
            (Err(reason), _) => Verdict::lost(reason),
        }
    }
}

impl Work {
    /// How the run ends was certain before the restart; the rest of its log may still be there.
    async fn take_up_end(
        &mut self,
        known: KnownEnd,
        sandbox: Option<SandboxRecord>,
        handle: Option<Handle>,
        after: After,
    ) -> Verdict {
        self.handle.clone_from(&handle);
        let run = self.record.run().id.clone();
        let stored = until_done(&run, "the end of its log", || self.context.store.log_end(&run))
            .await
            .ok();
        let (position, _) = self.record.live().ledger.position();
        let exact = match (stored.flatten(), handle) {
            (Some(end), _) if end.bytes == position => {
                let exact = end.exact;
                self.end = Some(end);
                exact
            }
            (_, Some(handle)) if handle.stage == Stage::Program => {
                match self.find_again(sandbox, handle, after).await {
                    Ok(mut program) => {
                        let _ = tokio::time::timeout(REST_OF_OUTPUT, &mut program.outcome).await;
                        program.complete.load(Ordering::Acquire)
                    }
                    Err(_) => false,
                }
            }
            // Nothing was started, or the packages; what those said may be missing.
            (_, handle) => known.exact && handle.is_none_or(|handle| handle.command.is_none()),
        };
        Verdict {
            state: known.state,
            reason: known.reason,
            exit_code: known.exit_code,
            stop: known.stop,
            exact,
            row: None,
        }
    }

    /// What the program was given, and so what its output must not show.
    async fn recall(&mut self) -> Result<(), String> {
        let (variables, masked) = environment::recall(&self.context, &self.record.run().id).await?;
        self.masks = self.context.masks.with(&masked).await;
        self.record.mask(Arc::clone(&self.masks));
        // Their values are the sandbox's alone.
        self.variables = variables.into_iter().map(|name| (name, String::new())).collect();
        Ok(())
    }

    /// Hashes what the earlier process stored, so that the hash goes on with it.
    async fn restore_digest(&self) {
        let (end, _) = self.record.live().ledger.position();
        let mut digest = Digest::default();
        let mut offset = 0;
        while offset < end {
            let run = &self.record.run().id;
            let chunks = until_done(run, "reading its log", || {
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
        after: After,
    ) -> Result<super::program::Program, String> {
        let held = self.find_sandbox(sandbox).await?;
        let toolbox = held.toolbox.clone();
        self.claim = Claim::Held(Box::new(held));
        let command = match &handle.command {
            Some(command) => command.clone(),
            None => {
                let command = self.find_unnamed(&toolbox).await?;
                handle.command = Some(command.clone());
                self.handle = Some(handle);
                self.note_handle().await;
                command
            }
        };
        // At the very place the log broke off.
        self.record.system(after.words());
        Ok(self.attach(toolbox, &command, self.context.config.provider_deadline))
    }

    async fn find_sandbox(&self, record: Option<SandboxRecord>) -> Result<Held, String> {
        let provider = self.context.config.provider;
        let Some(mut record) = record else {
            return Err(gone_words(provider));
        };
        let began = Instant::now();
        let sandbox = loop {
            let found = match &record.provider_id {
                Some(id) => self.context.client.get(id).await.map(Some),
                // The crash came before the id was stored; the label finds it.
                None => self.context.sandboxes.find(&record.id).await,
            };
            match found {
                Ok(Some(sandbox)) => break sandbox,
                Ok(None) => return Err(gone_words(provider)),
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
        record.provider_id = Some(sandbox.id.clone());
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
    async fn find_unnamed(&self, toolbox: &daytona::Toolbox) -> Result<String, String> {
        let run = self.record.run();
        let line = command_line(run.language, &run.entrypoint, &run.args);
        match self.find_command(toolbox, &line).await {
            Ok(Some(command)) => Ok(command),
            Ok(None) => Err(
                "Pitlane ended while it started the program, and the sandbox does not know it: it may not have run."
                    .to_owned(),
            ),
            Err(error) => Err(format!(
                "Pitlane ended while it started the program. Whether it ran cannot be known: {error}."
            )),
        }
    }
}
