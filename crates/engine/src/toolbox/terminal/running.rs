//! A terminal's shell while it runs, and the task that moves its bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::screen::Screen;
use crate::registry::Live;
use crate::sandbox::{Exit, InTerminal, Master, SandboxError, Terminal};

/// The most bytes given to the terminal at once.
pub(super) const PIECE: usize = 16 << 10;
/// How many pieces may wait until the program reads them.
const WAITING: usize = 64;
/// How long a slow reader may hold the terminal up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long output is looked for after the program's end while something else
/// holds the terminal.
const GRACE: Duration = Duration::from_millis(50);
/// How often a terminal that nothing has open is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// What counts as the end of a shell whose whole sandbox ended.
const KILLED: i32 = 137;

/// A shell in a terminal.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) pid: i32,
    pub(super) screen: Arc<Screen>,
    /// What is typed, by everyone.
    pub(super) input: mpsc::Sender<Bytes>,
    master: std::sync::Weak<Master>,
}

impl Running {
    /// Starts an interactive login shell.
    pub(super) async fn start(
        live: &Live,
        env: Vec<(String, String)>,
        cwd: String,
        (columns, rows): (u16, u16),
    ) -> Result<Self, SandboxError> {
        let argv = [live.shell(), "-i", "-l"].map(ToOwned::to_owned).to_vec();
        let order = InTerminal {
            argv,
            env,
            cwd,
            columns,
            rows,
        };
        let Terminal { pid, master, exit } = live.sandbox.spawn_in_terminal(order).await?;
        let master = Arc::new(master);
        let screen = Screen::new(PATIENCE);
        let (input, typed) = mpsc::channel(WAITING);
        let running = Self {
            pid,
            screen: Arc::clone(&screen),
            input,
            master: Arc::downgrade(&master),
        };
        tokio::spawn(pump(master, screen, typed, exit));
        Ok(running)
    }

    /// Changes the size; one that has ended has none.
    pub(super) fn resize(&self, columns: u16, rows: u16) -> std::io::Result<()> {
        match self.master.upgrade() {
            Some(master) => master.resize(columns, rows),
            None => Ok(()),
        }
    }

    /// How long it has been over; `None` while it runs.
    pub(super) fn ended_for(&self) -> Option<Duration> {
        self.screen.closed_for()
    }
}

/// Moves bytes until the program has ended. Then the terminal hangs up, also
/// for what the program left behind in it.
async fn pump(
    master: Arc<Master>,
    screen: Arc<Screen>,
    typed: mpsc::Receiver<Bytes>,
    mut exit: watch::Receiver<Option<Exit>>,
) {
    let mut buffer = vec![0; PIECE];
    let typing = type_all(&master, typed);
    tokio::pin!(typing);
    let code = loop {
        tokio::select! {
            code = ended(&mut exit) => break code,
            read = master.read(&mut buffer) => match read {
                Ok(length) if length > 0 => {
                    // Typing goes on while slow readers are waited for.
                    tokio::select! {
                        () = screen.append(&buffer[..length]) => {}
                        () = &mut typing => {}
                    }
                }
                // Nothing has it open; the program may open it again.
                _ => tokio::select! {
                    code = ended(&mut exit) => break code,
                    () = sleep(LOOK) => {}
                },
            },
            () = &mut typing => {}
        }
    };
    drain(&master, &screen, &mut buffer).await;
    screen.close(code);
}

/// Types what comes. Never resolves: a terminal to which nobody types any more
/// goes on.
async fn type_all(master: &Master, mut typed: mpsc::Receiver<Bytes>) {
    while let Some(mut bytes) = typed.recv().await {
        while !bytes.is_empty() {
            match master.write(&bytes).await {
                Ok(length) => bytes = bytes.slice(length..),
                // Nothing has it open that could read.
                Err(_) => {
                    sleep(LOOK).await;
                    break;
                }
            }
        }
    }
    std::future::pending().await
}

/// What the program printed last; the kernel hands it over a moment later.
async fn drain(master: &Master, screen: &Screen, buffer: &mut [u8]) {
    for _ in 0..2 {
        let mut total = 0;
        // Something that goes on printing must not hold up the end.
        while total < 1 << 20
            && let Some(length) = master.read_now(buffer)
        {
            total += length;
            screen.append(&buffer[..length]).await;
        }
        sleep(GRACE).await;
    }
}

/// The exit code, when there is one.
async fn ended(exit: &mut watch::Receiver<Option<Exit>>) -> i32 {
    let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
    // No exit at all means that the sandbox was killed around it.
    exit.map_or(KILLED, Exit::shell_code)
}
