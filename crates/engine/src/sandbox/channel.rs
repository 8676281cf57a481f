//! The conversation with one sandbox's pid 1.
//!
//! A task reads what it says and hands answers to those who wait. Whatever is
//! not understood, or more than was asked for, ends the conversation, and with
//! it the sandbox.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use toolbox::protocol::{Call, FileEntry, MAX_ENTRIES, MAX_FRAME, Message, Outcome, Request, decode, encode};

use super::packets::Packets;
use super::{Exit, SandboxError};

/// How long building the walls may take on a busy host.
const SETUP_TIME: Duration = Duration::from_secs(20);
/// How long starting a program or touching a file may take.
pub(super) const CALL_TIME: Duration = Duration::from_secs(15);
/// How long walking a folder may take; pid 1 gives up before.
pub(super) const WALK_TIME: Duration = Duration::from_secs(75);

/// What pid 1 answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) descriptors: Vec<OwnedFd>,
    /// For a started program: how it ends.
    pub(super) exit: Option<watch::Receiver<Option<Exit>>>,
}

struct Waiting {
    answer: oneshot::Sender<Answer>,
    /// What came of a listing so far.
    entries: Vec<FileEntry>,
}

#[derive(Default)]
struct State {
    next: u32,
    waiting: HashMap<u32, Waiting>,
    exits: HashMap<i32, watch::Sender<Option<Exit>>>,
    closed: bool,
}

struct Shared {
    packets: Packets,
    state: Mutex<State>,
}

/// The engine's end of the conversation. Dropping it ends the sandbox.
pub(super) struct Channel {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Channel").finish_non_exhaustive()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.shared.packets.close();
    }
}

impl Channel {
    /// Waits until the walls stand; the descriptor is the way out of its network.
    pub(super) async fn open(socket: OwnedFd) -> Result<(Self, Option<OwnedFd>), SandboxError> {
        let system = |error: io::Error| SandboxError::System(format!("A sandbox's socket failed: {error}"));
        let packets = Packets::new(socket).map_err(system)?;
        let mut buffer = vec![0u8; MAX_FRAME + 1];
        let first = timeout(SETUP_TIME, packets.receive(&mut buffer)).await;
        let packet = first
            .map_err(|_| SandboxError::Silent(SETUP_TIME.as_secs()))?
            .map_err(system)?;
        if packet.length == 0 {
            return Err(SandboxError::Create(
                "its first process ended while it built the walls".into(),
            ));
        }
        match decode(&buffer[..packet.length]) {
            Ok(Message::Ready) => {}
            Ok(Message::SetupFailed { reason }) => return Err(SandboxError::Create(reason)),
            Ok(_) => return Err(SandboxError::Protocol("an answer before a question".into())),
            Err(error) => return Err(SandboxError::Protocol(error.to_string())),
        }
        let shared = Arc::new(Shared {
            packets,
            state: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&shared).read(buffer));
        Ok((Self { shared }, packet.descriptors.into_iter().next()))
    }

    /// Asks and waits for the answer.
    pub(super) async fn call(&self, call: Call, patience: Duration) -> Result<Answer, SandboxError> {
        let (id, answer) = self.shared.expect()?;
        let sent = self.send(id, call).await;
        let answered = match sent {
            Ok(()) => timeout(patience, answer).await,
            Err(error) => {
                self.shared.forget(id);
                return Err(error);
            }
        };
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(gone()),
            Err(_) => {
                self.shared.forget(id);
                Err(SandboxError::Silent(patience.as_secs()))
            }
        }
    }

    async fn send(&self, id: u32, call: Call) -> Result<(), SandboxError> {
        let bytes = encode(&Request { id, call })
            .map_err(|error| SandboxError::Spawn(format!("too much at once: {error}")))?;
        self.shared.packets.send(&bytes).await.map_err(|_| gone())
    }
}

/// What a caller is told when the conversation is over. Why it is, `ended` says.
fn gone() -> SandboxError {
    SandboxError::Ended("its first process is gone".into())
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self) -> Result<(u32, oneshot::Receiver<Answer>), SandboxError> {
        let mut state = self.state();
        if state.closed {
            return Err(gone());
        }
        state.next = state.next.wrapping_add(1);
        let id = state.next;
        let (answer, receiver) = oneshot::channel();
        state.waiting.insert(
            id,
            Waiting {
                answer,
                entries: Vec::new(),
            },
        );
        Ok((id, receiver))
    }

    fn forget(&self, id: u32) {
        self.state().waiting.remove(&id);
    }

    async fn read(self: Arc<Self>, mut buffer: Vec<u8>) {
        let mut reset = false;
        let reason = loop {
            let packet = match self.packets.receive(&mut buffer).await {
                Ok(packet) if packet.length == 0 => break None,
                Ok(packet) => packet,
                // It ended with requests it had not read. That is told once, and before the answers it had
                // given: they may hold descriptors, which keep files open for as long as they lie there.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !reset => {
                    reset = true;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break None,
                Err(error) => break Some(error.to_string()),
            };
            match decode(&buffer[..packet.length]) {
                Ok(message) => {
                    if let Err(reason) = self.take(message, packet.descriptors) {
                        break Some(reason.to_owned());
                    }
                }
                Err(error) => break Some(error.to_string()),
            }
        };
        if let Some(reason) = reason {
            tracing::warn!(%reason, "a sandbox broke the protocol and is ended");
        }
        self.packets.close();
        let mut state = self.state();
        state.closed = true;
        // Those who wait learn it from their channel closing.
        state.waiting.clear();
        state.exits.clear();
    }

    fn take(&self, message: Message, descriptors: Vec<OwnedFd>) -> Result<(), &'static str> {
        let mut state = self.state();
        match message {
            Message::Answer {
                id,
                outcome: Outcome::Entries { entries, last },
            } => {
                // Nobody may wait any more; the rest of a listing comes all the same.
                let Some(waiting) = state.waiting.get_mut(&id) else {
                    return Ok(());
                };
                waiting.entries.extend(entries);
                if waiting.entries.len() > MAX_ENTRIES {
                    return Err("a listing without end");
                }
                if last && let Some(waiting) = state.waiting.remove(&id) {
                    let outcome = Outcome::Entries {
                        entries: waiting.entries,
                        last,
                    };
                    let _ = waiting.answer.send(Answer {
                        outcome,
                        descriptors,
                        exit: None,
                    });
                }
                Ok(())
            }
            Message::Answer { id, outcome } => {
                let mut exit = None;
                let started = match outcome {
                    Outcome::Started { pid } | Outcome::Adopted { pid, .. } => {
                        let (sender, receiver) = watch::channel(None);
                        state.exits.insert(pid, sender);
                        exit = Some(receiver);
                        Some(pid)
                    }
                    _ => None,
                };
                let waiting = state.waiting.remove(&id);
                let answer = Answer {
                    outcome,
                    descriptors,
                    exit,
                };
                let taken = waiting.is_some_and(|waiting| waiting.answer.send(answer).is_ok());
                if let Some(pid) = started.filter(|_| !taken) {
                    // Whoever wanted it stopped waiting: nobody will end it later.
                    drop(state);
                    let call = Call::EndTree {
                        pids: vec![pid],
                        grace_ms: 0,
                    };
                    if let Ok(bytes) = encode(&Request { id: 0, call }) {
                        let _ = self.packets.send_now(&bytes);
                    }
                }
                Ok(())
            }
            Message::Exited { pid, code, signal } => {
                if let Some(exit) = state.exits.remove(&pid) {
                    exit.send_replace(Some(Exit { code, signal }));
                }
                Ok(())
            }
            Message::Ready | Message::SetupFailed { .. } => Err("it got ready twice"),
        }
    }
}
