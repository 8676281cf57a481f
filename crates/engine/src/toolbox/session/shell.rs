//! The shell of a session, and the task that gives it its commands.
//!
//! An order is one line on the shell's standard input:
//!
//! ```text
//! { builtin printf '%s +\n' TOKEN >&63; { eval '…'; } 63>&-; } <in >out 2>err; builtin printf '%s %d\n' TOKEN "$?" >&63
//! ```
//!
//! Descriptor 63 is the shell's own standard output, the channel of exit codes.
//! The `+` says that the shell has opened the command's pipes: before that,
//! the end of input must not be given, because a named pipe without a writer
//! blocks whoever opens it, and forgets what was written. The channel is closed while the command runs, so that no process of the command can
//! write to it, and a line counts only with the session's random token. When
//! the shell itself ends (`exit 3`, a signal), the process's exit is the code.

use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{mpsc, oneshot, watch};

use crate::sandbox::{Exit, Process, Sandbox, SandboxError, Spawn, StdinKind};
use crate::toolbox::process::Input;

/// Commands that may wait for the shell.
const QUEUE: usize = 256;
/// The longest line the shell is believed to send; only ours are this short.
const LINE_LIMIT: usize = 4096;

/// An order to run one command.
#[derive(Debug)]
pub(super) struct Order {
    pub text: String,
    /// Where it reads from, as a path inside.
    pub stdin: String,
    pub stdout: String,
    pub stderr: String,
    /// Told when the shell has opened the pipes.
    pub opened: oneshot::Sender<()>,
    /// Told the exit code when it has ended.
    pub ended: oneshot::Sender<i32>,
}

/// A running shell.
#[derive(Debug)]
pub(super) struct Shell {
    pub pid: i32,
    orders: mpsc::Sender<Order>,
    exit: watch::Receiver<Option<Exit>>,
}

impl Shell {
    pub(super) async fn start(
        sandbox: &Sandbox,
        shell: &str,
        env: Vec<(String, String)>,
        cwd: String,
    ) -> Result<Self, SandboxError> {
        let process = sandbox
            .spawn(Spawn {
                argv: vec![shell.to_owned()],
                env,
                cwd,
                stdin: StdinKind::Pipe,
                merge_stderr: true,
            })
            .await?;
        let Process {
            pid,
            stdin,
            stdout,
            exit,
            ..
        } = process;
        let unwatched = |error: std::io::Error| SandboxError::System(error.to_string());
        let stdin = stdin.ok_or_else(|| SandboxError::Protocol("a shell without standard input".into()))?;
        let mut stdin = Input::new(stdin).map_err(unwatched)?;
        let answers = Answers::new(stdout).map_err(unwatched)?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        stdin
            .write(b"exec 63>&1 >/dev/null 2>&1\n")
            .await
            .map_err(|error| SandboxError::Spawn(error.to_string()))?;
        let (orders, queue) = mpsc::channel(QUEUE);
        tokio::spawn(serve(queue, stdin, answers, token, exit.clone()));
        Ok(Self { pid, orders, exit })
    }

    /// Whether the shell has ended, or the whole sandbox has.
    pub(super) fn has_ended(&self) -> bool {
        self.exit.borrow().is_some() || self.exit.has_changed().is_err()
    }

    /// Puts an order into the queue; given back when the queue is full or the shell has ended.
    pub(super) fn order(&self, order: Order) -> Result<(), mpsc::error::TrySendError<Order>> {
        self.orders.try_send(order)
    }
}

async fn serve(
    mut queue: mpsc::Receiver<Order>,
    mut stdin: Input,
    mut answers: Answers,
    token: String,
    mut exit: watch::Receiver<Option<Exit>>,
) {
    while let Some(order) = queue.recv().await {
        let line = line(&order, &token);
        let answered = async {
            if let Err(error) = stdin.write(line.as_bytes()).await {
                tracing::debug!(%error, "a shell does not take its command");
            }
            answers.code(&token, order.opened).await
        };
        let code = tokio::select! {
            Some(code) = answered => code,
            code = ended(&mut exit) => answers.left(&token).unwrap_or(code),
        };
        // Nobody waits any more when the sandbox was deleted meanwhile.
        let _ = order.ended.send(code);
    }
}

/// The exit code of the shell itself.
async fn ended(exit: &mut watch::Receiver<Option<Exit>>) -> i32 {
    let code = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
    // No exit at all means that the sandbox was killed around it.
    code.map_or(137, Exit::shell_code)
}

fn line(order: &Order, token: &str) -> String {
    format!(
        "{{ builtin printf '%s +\\n' {token} >&63; {{ eval {}; }} 63>&-; }} <{} >{} 2>{}; builtin printf '%s %d\\n' {token} \"$?\" >&63\n",
        quoted(&order.text),
        quoted(&order.stdin),
        quoted(&order.stdout),
        quoted(&order.stderr),
    )
}

/// The text as one word of the shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The channel of exit codes.
struct Answers {
    pipe: Receiver,
    line: Vec<u8>,
    /// Whether the shell said that it opened the pipes of the command that runs.
    has_opened: bool,
}

impl Answers {
    fn new(pipe: OwnedFd) -> std::io::Result<Self> {
        Ok(Self {
            pipe: Receiver::from_owned_fd(pipe)?,
            line: Vec::new(),
            has_opened: false,
        })
    }

    /// Waits for the code of the command that runs; `None` when none will come
    /// this way.
    async fn code(&mut self, token: &str, opened: oneshot::Sender<()>) -> Option<i32> {
        let mut opened = Some(opened);
        self.has_opened = false;
        loop {
            let mut bytes = [0; 1024];
            match self.pipe.read(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(length) => {
                    let code = self.take(&bytes[..length], token);
                    if self.has_opened
                        && let Some(opened) = opened.take()
                    {
                        // Nobody asks when the command was forgotten meanwhile.
                        let _ = opened.send(());
                    }
                    if code.is_some() {
                        return code;
                    }
                }
            }
        }
    }

    /// A code that was told just before the shell ended.
    fn left(&mut self, token: &str) -> Option<i32> {
        let mut bytes = [0; 1024];
        let length = rustix::io::read(&self.pipe, &mut bytes).ok()?;
        self.take(&bytes[..length], token)
    }

    fn take(&mut self, bytes: &[u8], token: &str) -> Option<i32> {
        let mut code = None;
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                let told = std::str::from_utf8(&line)
                    .ok()
                    .and_then(|line| line.strip_prefix(token));
                let told = told.map(str::trim);
                self.has_opened |= told == Some("+");
                code = told.and_then(|told| told.parse().ok()).or(code);
            } else if self.line.len() < LINE_LIMIT {
                self.line.push(*byte);
            }
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_word_whatever_it_holds() {
        assert_eq!(quoted("echo 'a' \"$b\"\n"), "'echo '\\''a'\\'' \"$b\"\n'");
    }
}
