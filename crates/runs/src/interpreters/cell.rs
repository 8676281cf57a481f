//! Running a cell, and telling what it says as it says it.
//!
//! Everything a program can be given to say is masked: its output as one
//! stream, so that a secret is found wherever the provider cuts it, and each
//! value and exception as a whole.

use super::{
    Tools,
    opening::expiry,
    reports::{Piece, Report, Reports},
    runner,
};
use crate::{Runs, RunsError, masking::Masker, once::Once, tokens};
use daytona::{CodeRun, InterpreterMessage, InterpreterMessageKind, InterpreterRun};
use model::{
    AgentId, CellEnd, CellEvent, CellState, Exception, InterpreterId, Invalid, LogStream, Millis,
    time::byte_words,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};
use tokio_util::sync::DropGuard;

/// The most code of one cell, in bytes.
const MOST_CODE: usize = 1 << 20;
/// Close codes of the provider's interpreter: the Python ended, what was sent cannot be run.
const PYTHON_ENDED: u16 = 1001;
const REFUSED: u16 = 1008;

/// A piece of code for an interpreter.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The code.
    pub code: String,
    /// Variables of the environment for this cell alone.
    pub env: BTreeMap<String, String>,
    /// How long it may run, in seconds; none for what the agent's settings say.
    pub timeout_seconds: Option<u32>,
}

/// A cell that runs. Dropped before its end, it is interrupted.
pub struct CellRun {
    runs: Runs,
    agent: AgentId,
    id: InterpreterId,
    code: CodeRun,
    tools: Tools,
    masker: Masker,
    reports: Reports,
    /// The beginning of a character, of each stream.
    begun: [Vec<u8>; 2],
    ready: VecDeque<CellEvent>,
    /// How many cells the interpreter was given before.
    cells_before: u64,
    began: Instant,
    restarted: bool,
    state: CellState,
    over: bool,
    /// Puts the interpreter's end off while it lasts.
    _in_use: DropGuard,
}

impl std::fmt::Debug for CellRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CellRun")
            .field("interpreter", &self.id)
            .finish_non_exhaustive()
    }
}

impl Runs {
    /// Gives an interpreter a cell, which runs after those before it.
    ///
    /// # Errors
    /// When there is no such interpreter, the cell breaks a rule, or the provider does not take it.
    pub async fn run_cell(
        &self,
        agent: &AgentId,
        id: &InterpreterId,
        cell: Cell,
    ) -> Result<CellRun, RunsError> {
        let context = &self.context;
        let seconds = self.check_cell(agent, &cell).await?;
        let place = context.store.interpreter(agent, id).await?;
        let mut tools = self.tools(&place).await?;
        let tokens = cell.env.values().map(|value| value.trim());
        let tokens: Vec<_> = tokens
            .filter(|value| tokens::hash_of(value).is_some())
            .map(str::to_owned)
            .collect();
        if !tokens.is_empty() {
            let all = [tools.masked.as_slice(), &tokens].concat();
            tools.masks = context.masks.with(&all).await;
        }
        let now = Millis::now();
        context
            .store
            .use_interpreter(id, 1, now, expiry(context, now))
            .await?;
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let run = InterpreterRun {
            code: runner::program(&cell.code, &mark, id),
            context_id: place.context.clone(),
            envs: Some(cell.env).filter(|env| !env.is_empty()),
            timeout: Some(seconds.into()),
        };
        let code = match tools.toolbox.run_code(&run).await {
            Ok(code) => code,
            Err(error) => return Err(self.trouble(&place, &error).await),
        };
        Ok(CellRun {
            _in_use: self.keep_in_use(id),
            runs: self.clone(),
            agent: agent.clone(),
            id: id.clone(),
            code,
            masker: Masker::new(std::sync::Arc::clone(&tools.masks)),
            tools,
            reports: Reports::new(&mark),
            begun: [Vec::new(), Vec::new()],
            ready: VecDeque::new(),
            cells_before: place.interpreter.cells,
            began: Instant::now(),
            restarted: false,
            state: CellState::Succeeded,
            over: false,
        })
    }

    /// Checks a cell; gives its time in seconds.
    async fn check_cell(&self, agent: &AgentId, cell: &Cell) -> Result<u32, RunsError> {
        if cell.code.trim().is_empty() {
            return Err(Invalid("There is no code to run. Send some as code.".to_owned()).into());
        }
        if cell.code.len() > MOST_CODE {
            return Err(Invalid(format!(
                "The code may have {}, and this has {}. Put it into a file of the agent.",
                byte_words(MOST_CODE as u64),
                byte_words(cell.code.len() as u64)
            ))
            .into());
        }
        let once = Once {
            env: cell.env.clone(),
            ..Once::default()
        };
        once.check()?;
        let most = self.context.config.max_timeout_seconds;
        let usual = self.context.store.agent(agent).await?.settings.timeout_seconds;
        let seconds = cell.timeout_seconds.unwrap_or(usual.min(most));
        if !(1..=most).contains(&seconds) {
            return Err(Invalid(format!(
                "Code may run for 1 to {most} seconds, not {seconds}. The operator sets the limit."
            ))
            .into());
        }
        Ok(seconds)
    }

    /// Puts an interpreter's end off until this is dropped, and then for the usual time.
    fn keep_in_use(&self, id: &InterpreterId) -> DropGuard {
        let (context, id) = (std::sync::Arc::clone(&self.context), id.clone());
        let used = tokio_util::sync::CancellationToken::new();
        let over = used.clone();
        let pause = (context.config.interpreter_idle / 3).max(Duration::from_millis(100));
        self.context.tasks.spawn(async move {
            loop {
                let is_over = tokio::select! {
                    () = over.cancelled() => true,
                    () = context.shutdown.cancelled() => return,
                    () = tokio::time::sleep(pause) => false,
                };
                let now = Millis::now();
                let used = context.store.use_interpreter(&id, 0, now, expiry(&context, now));
                match used.await {
                    // It was deleted meanwhile.
                    Err(store::StoreError::NotFound(_)) => return,
                    Err(error) => tracing::warn!(interpreter = %id, %error, "its use could not be noted"),
                    Ok(()) => {}
                }
                if is_over {
                    return;
                }
            }
        });
        used.drop_guard()
    }
}

impl CellRun {
    /// The next of what happens; none after the end. May be dropped at any time without loss.
    pub async fn next(&mut self) -> Option<CellEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            match self.code.next().await {
                Some(Ok(message)) => self.take(message),
                Some(Err(error)) => self.broke(&error),
                None => self.ended(self.state, None),
            }
        }
    }

    fn take(&mut self, message: InterpreterMessage) {
        match message.kind {
            InterpreterMessageKind::Stdout => {
                for piece in self.reports.take(&message.text) {
                    match piece {
                        Piece::Text(text) => self.say(LogStream::Stdout, text.as_bytes()),
                        Piece::Report(report) => self.learn(report),
                    }
                }
            }
            InterpreterMessageKind::Stderr => self.say(LogStream::Stderr, message.text.as_bytes()),
            // The runner tells of what it catches; this came between.
            InterpreterMessageKind::Error if message.name == "KeyboardInterrupt" => {
                self.state = CellState::Interrupted;
            }
            InterpreterMessageKind::Error => self.learn(Report::Exception(Exception {
                name: message.name,
                value: message.value,
                traceback: message.traceback,
            })),
            InterpreterMessageKind::Control | InterpreterMessageKind::Unknown => {}
        }
    }

    fn learn(&mut self, report: Report) {
        let mask = |text: String| self.tools.masks.mask(&text).into_owned();
        match report {
            Report::Cells(count) => self.restarted = self.cells_before > 0 && count == 1,
            Report::Interrupted(()) => self.state = CellState::Interrupted,
            Report::Result(data) => {
                let data = data
                    .into_iter()
                    .map(|(kind, value)| (mask(kind), mask(value)))
                    .collect();
                self.ready.push_back(CellEvent::Result { data });
            }
            Report::Chart(chart) => {
                let chart = model::Chart {
                    title: mask(chart.title),
                    x_label: mask(chart.x_label),
                    y_label: mask(chart.y_label),
                    png: mask(chart.png),
                };
                self.ready.push_back(CellEvent::Chart(chart));
            }
            Report::Exception(exception) => {
                self.state = CellState::Failed;
                let exception = Exception {
                    name: mask(exception.name),
                    value: mask(exception.value),
                    traceback: mask(exception.traceback),
                };
                self.ready.push_back(CellEvent::Exception(exception));
            }
        }
    }

    /// Tells output, as far as it is certain that it holds no secret.
    fn say(&mut self, stream: LogStream, bytes: &[u8]) {
        let mut out = Vec::new();
        let masked = self.masker.feed(stream, bytes, &mut out).to_vec();
        self.tell(stream, &masked);
    }

    fn tell(&mut self, stream: LogStream, bytes: &[u8]) {
        let begun = &mut self.begun[usize::from(stream == LogStream::Stderr)];
        begun.extend_from_slice(bytes);
        let content = whole_characters(begun);
        if content.is_empty() {
            return;
        }
        match self.ready.back_mut() {
            Some(CellEvent::Log {
                stream: last,
                content: said,
            }) if *last == stream => {
                said.push_str(&content);
            }
            _ => self.ready.push_back(CellEvent::Log { stream, content }),
        }
    }

    /// The provider said that it does not go on.
    fn broke(&mut self, error: &daytona::Error) {
        if error.is_execution_timeout() {
            return self.ended(CellState::TimedOut, None);
        }
        let words = match error {
            daytona::Error::SocketClosed { code, reason, .. } if *code == PYTHON_ENDED => {
                format!("The Python under it ended: {reason}.")
            }
            daytona::Error::SocketClosed { code, reason, .. } if *code == REFUSED => {
                format!("The interpreter did not take it or could not tell more: {reason}.")
            }
            error => format!("What became of it cannot be known: {error}."),
        };
        let reason = self.tools.masks.mask(&words).into_owned();
        self.ended(CellState::Lost, Some(reason));
    }

    fn ended(&mut self, state: CellState, reason: Option<String>) {
        if let Some(rest) = self.reports.rest() {
            self.say(LogStream::Stdout, rest.as_bytes());
        }
        for (stream, bytes) in self.masker.finish() {
            self.tell(stream, &bytes);
        }
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            let begun = std::mem::take(&mut self.begun[usize::from(stream == LogStream::Stderr)]);
            if !begun.is_empty() {
                let content = String::from_utf8_lossy(&begun).into_owned();
                self.ready.push_back(CellEvent::Log { stream, content });
            }
        }
        self.ready.push_back(CellEvent::End(CellEnd {
            state,
            reason,
            restarted: self.restarted,
            took: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }));
        self.over = true;
    }
}

impl Drop for CellRun {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (runs, agent, id) = (self.runs.clone(), self.agent.clone(), self.id.clone());
        // Its time ends it where this does not.
        tokio::spawn(async move {
            if let Err(error) = runs.interrupt_interpreter(&agent, &id).await {
                tracing::debug!(interpreter = %id, %error, "a cell that nobody waits for goes on");
            }
        });
    }
}

/// Takes out what are whole characters; what is none becomes U+FFFD.
fn whole_characters(bytes: &mut Vec<u8>) -> String {
    let tail = bytes.len().saturating_sub(3);
    let begun = (tail..bytes.len()).find(|place| {
        matches!(std::str::from_utf8(&bytes[*place..]), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
    });
    let rest = bytes.split_off(begun.unwrap_or(bytes.len()));
    let whole = std::mem::replace(bytes, rest);
    String::from_utf8_lossy(&whole).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_told_whole() {
        let mut held = b"a\xf0\x9f".to_vec();
        assert_eq!(whole_characters(&mut held), "a");
        held.extend_from_slice(b"\x9a\x80b\xff");
        assert_eq!(whole_characters(&mut held), "\u{1f680}b\u{fffd}");
        assert!(held.is_empty());
    }
}
