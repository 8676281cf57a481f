//! Starting commands in a run's session.

use super::{Verdict, Work};
use crate::{
    command::command_line,
    handle::{Handle, Stage, session_of},
    ingest::{Ingest, Notice, Outcome, is_passing},
    masking::Masks,
    reading::LogReader,
};
use daytona::{Error, InputRequest, SessionExecuteRequest, SessionExecuteResponse, Toolbox};
use model::{Phase, RunState};
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// How long is waited between looks for a command whose start was not confirmed.
const LOOKS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_millis(1),
];

/// A command under way: its output is read by a task that ends with this.
pub(super) struct Program {
    pub(super) outcome: AbortOnDropHandle<Outcome>,
    pub(super) notices: mpsc::UnboundedReceiver<Notice>,
    pub(super) input: Input,
    /// Whether its output was read to the end as it was written.
    pub(super) complete: Arc<AtomicBool>,
}

/// Writes to a program's standard input, in order, without making the driver wait.
pub(super) struct Input {
    queue: mpsc::UnboundedSender<(InputRequest, oneshot::Sender<Result<(), String>>)>,
    _task: AbortOnDropHandle<()>,
}

impl Input {
    fn start(toolbox: Toolbox, session: String, command: String, masks: Arc<Masks>) -> Self {
        let (queue, mut waiting) =
            mpsc::unbounded_channel::<(InputRequest, oneshot::Sender<Result<(), String>>)>();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Some((request, reply)) = waiting.recv().await {
                let result = toolbox.session_input(&session, &command, request).await;
                let words = result.map_err(|error| {
                    if error.is_gone() {
                        "The program has ended.".to_owned()
                    } else if error.may_have_executed() {
                        format!("Whether the program got the input cannot be known: {error}.")
                    } else {
                        format!("The program did not get the input: {error}.")
                    }
                });
                let _ = reply.send(words.map_err(|words| masks.mask(&words).into_owned()));
            }
        }));
        Self { queue, _task: task }
    }

    pub(super) fn write(&self, bytes: &[u8], eof: bool, reply: oneshot::Sender<Result<(), String>>) {
        let request = InputRequest {
            data: String::from_utf8_lossy(bytes).into_owned(),
            raw: true,
            eof,
        };
        // The task lives as long as this does.
        let _ = self.queue.send((request, reply));
    }
}

/// Why a command could not be started.
pub(super) enum LaunchError {
    /// It did not begin.
    Refused(String),
    /// It may have begun.
    Unknown(String),
}

impl Work {
    /// Starts the program.
    pub(super) async fn launch(&mut self) -> Result<Program, Verdict> {
        let run = self.record.run();
        let line = command_line(run.language, &run.entrypoint, &run.args);
        self.record.begin(Phase::Run);
        self.record.system(format!("$ {line}"));
        match self.start(Stage::Program, &line).await {
            Ok(program) => {
                self.record.state(RunState::Running, None);
                Ok(program)
            }
            Err(LaunchError::Refused(reason)) => Err(Verdict::not_started(reason)),
            Err(LaunchError::Unknown(reason)) => Err(Verdict::lost(format!(
                "{reason} Whether the program was started cannot be known."
            ))),
        }
    }

    /// Starts a command in the run's session and reads its output into the ledger.
    pub(super) async fn start(&mut self, stage: Stage, line: &str) -> Result<Program, LaunchError> {
        let session = session_of(&self.record.run().id);
        let request = SessionExecuteRequest {
            command: line.to_owned(),
            run_async: Some(true),
            suppress_input_echo: Some(true),
        };
        self.start_by(stage, line, async |toolbox: &Toolbox| {
            toolbox.session_exec(&session, request).await
        })
        .await
    }

    /// The same for a command that is asked for in another way; `line` is what the session calls it.
    pub(super) async fn start_by(
        &mut self,
        stage: Stage,
        line: &str,
        ask: impl AsyncFnOnce(&Toolbox) -> Result<SessionExecuteResponse, Error>,
    ) -> Result<Program, LaunchError> {
        let Some(held) = self.held() else {
            return Err(LaunchError::Refused(
                "There is no sandbox to run it in.".to_owned(),
            ));
        };
        let toolbox = held.toolbox.clone();
        let ledger = &self.record.live().ledger;
        ledger.let_go();
        let mut handle = Handle::intended(stage, ledger.position().0);
        self.handle = Some(handle.clone());
        // In the database before the program can begin: nobody will ever start it a second time.
        if !handle.save(&self.book).await {
            return Err(LaunchError::Refused(
                "The run cannot be written any more, so its program was not started.".to_owned(),
            ));
        }
        self.started = Some(Instant::now());
        let command = match ask(&toolbox).await {
            Ok(answer) => answer.cmd_id,
            Err(error) if error.may_have_executed() => self.find_started(&toolbox, line, &error).await?,
            Err(error) => {
                let words = format!("The sandbox did not start the command: {error}.");
                return Err(LaunchError::Refused(words));
            }
        };
        handle.command = Some(command.clone());
        self.handle = Some(handle.clone());
        let book = self.book.clone();
        // The output is followed at once; a process that finds the id missing finds the command by its session.
        self.noting = Some(self.context.tasks.spawn(async move {
            handle.save(&book).await;
        }));
        Ok(self.attach(toolbox, &command, self.context.config.provider_deadline))
    }

    /// The command whose start was not confirmed, if the session knows it: it is never started again.
    async fn find_started(
        &self,
        toolbox: &Toolbox,
        line: &str,
        error: &Error,
    ) -> Result<String, LaunchError> {
        let words = || LaunchError::Unknown(format!("The sandbox did not confirm the start: {error}."));
        for pause in LOOKS {
            match self.find_command(toolbox, line).await {
                Ok(Some(command)) => return Ok(command),
                // The request may still be on its way.
                Ok(None) => tokio::time::sleep(pause).await,
                Err(_) => return Err(words()),
            }
        }
        Err(words())
    }

    /// The command of the run's session that was started with this line; looked for as long as the
    /// provider may be away.
    pub(super) async fn find_command(&self, toolbox: &Toolbox, line: &str) -> Result<Option<String>, Error> {
        let began = Instant::now();
        let session = session_of(&self.record.run().id);
        loop {
            match toolbox.session(&session).await {
                Ok(session) => {
                    let mut commands = session.commands.into_iter().rev();
                    let found = commands.find(|command| command.command.trim() == line);
                    return Ok(found.map(|command| command.id));
                }
                Err(error)
                    if is_passing(&error) && began.elapsed() < self.context.config.provider_deadline => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Notes where the program is and what becomes of it, after everything noted before.
    pub(super) async fn note_handle(&mut self) {
        if let Some(noting) = self.noting.take() {
            // One that was not written is replaced by this one.
            let _ = noting.await;
        }
        if let Some(handle) = &self.handle
            && !handle.save(&self.book).await
            && self.book.lease.lost.is_cancelled()
        {
            // Not one step more: the driver is ended where it is.
            std::future::pending::<()>().await;
        }
    }

    /// Reads the output of a command that was started.
    pub(super) fn attach(&self, toolbox: Toolbox, command: &str, patience: Duration) -> Program {
        let session = session_of(&self.record.run().id);
        let (notices, told) = mpsc::unbounded_channel();
        let complete = Arc::new(AtomicBool::new(false));
        let live = self.record.live();
        let base = self.handle.as_ref().map_or(0, |handle| handle.base);
        live.ledger.take_up(Arc::clone(&self.masks), base);
        let ingest = Ingest {
            client: self.context.client.clone(),
            toolbox: toolbox.clone(),
            session: session.clone(),
            command: command.to_owned(),
            base,
            ledger: Arc::clone(&live.ledger),
            reader: LogReader {
                run: live.id.clone(),
                store: self.context.store.clone(),
                live: Some(Arc::clone(live)),
            },
            patience,
            provider: self.context.config.provider,
            complete: Arc::clone(&complete),
            notices,
        };
        Program {
            outcome: AbortOnDropHandle::new(tokio::spawn(ingest.run())),
            notices: told,
            input: Input::start(toolbox, session, command.to_owned(), Arc::clone(&self.masks)),
            complete,
        }
    }
}
