//! The conversation with one language server: requests and their answers,
//! notifications, and what the server asks itself.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use super::framing::{Framing, framed};

/// How long a server may think.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Messages that may wait for a server that does not read.
const QUEUE: usize = 64;
/// The protocol's number for a method that is not known.
const METHOD_NOT_FOUND: i64 = -32601;

/// Why a server did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum LspError {
    /// It refused, in its own words.
    #[error("The language server refused: {0}.")]
    Refused(String),
    /// It did not answer.
    #[error("The language server did not answer within {} seconds.", PATIENCE.as_secs())]
    Silent,
    /// It does not run any more.
    #[error("The language server has ended.")]
    Ended,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Value, LspError>>>,
    closed: bool,
}

/// Our side of the conversation.
#[derive(Debug)]
pub(super) struct Connection {
    outgoing: mpsc::Sender<Bytes>,
    state: Arc<Mutex<State>>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// # Errors
    /// When the descriptors cannot be watched.
    pub(super) fn new(stdin: OwnedFd, stdout: OwnedFd) -> std::io::Result<Self> {
        let (to, from) = (Sender::from_owned_fd(stdin)?, Receiver::from_owned_fd(stdout)?);
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let state = Arc::new(Mutex::new(State::default()));
        // In a task of its own: half a message would be the end of all.
        tokio::spawn(write(to, queue));
        tokio::spawn(read(from, outgoing.downgrade(), Arc::clone(&state)));
        Ok(Self { outgoing, state })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn request(&self, method: &str, params: Value) -> Result<Value, LspError> {
        let (told, answer) = oneshot::channel();
        let id = {
            let mut state = locked(&self.state);
            if state.closed {
                return Err(LspError::Ended);
            }
            state.next += 1;
            let id = state.next;
            state.waiting.insert(id, told);
            id
        };
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let answered = timeout(PATIENCE, async {
            self.send(&message).await?;
            answer.await.unwrap_or(Err(LspError::Ended))
        })
        .await;
        locked(&self.state).waiting.remove(&id);
        answered.unwrap_or(Err(LspError::Silent))
    }

    /// Tells something that has no answer.
    pub(super) async fn notify(&self, method: &str, params: Value) -> Result<(), LspError> {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        timeout(PATIENCE, self.send(&message))
            .await
            .unwrap_or(Err(LspError::Silent))
    }

    async fn send(&self, message: &Value) -> Result<(), LspError> {
        let sent = self.outgoing.send(framed(message)).await;
        sent.map_err(|_| LspError::Ended)
    }
}

async fn write(mut to: Sender, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(message) = queue.recv().await {
        if let Err(error) = to.write_all(&message).await {
            tracing::debug!(%error, "a language server does not read");
            return;
        }
    }
}

async fn read(from: Receiver, outgoing: mpsc::WeakSender<Bytes>, state: Arc<Mutex<State>>) {
    let mut messages = FramedRead::new(from, Framing::default());
    while let Some(message) = messages.next().await {
        let message = message.and_then(|bytes| Ok(serde_json::from_slice::<Value>(&bytes)?));
        match message {
            Ok(message) => {
                if let Some(answer) = take(message, &state)
                    && let Some(outgoing) = outgoing.upgrade()
                    && outgoing.try_send(framed(&answer)).is_err()
                {
                    tracing::debug!("a language server does not read what it asked for");
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a language server is not understood");
                break;
            }
        }
    }
    let mut state = locked(&state);
    state.closed = true;
    // Those who wait learn it from their channel closing.
    state.waiting.clear();
}

/// Takes in a message; gives the answer when it is a question.
fn take(mut message: Value, state: &Mutex<State>) -> Option<Value> {
    let id = message.get("id").filter(|id| !id.is_null()).cloned();
    if let Some(method) = message.get("method").and_then(Value::as_str) {
        return Some(answer(id?, method, &message["params"]));
    }
    let waiting = locked(state).waiting.remove(&id?.as_u64()?)?;
    let outcome = match message.get("error") {
        Some(error) if !error.is_null() => {
            let words = error["message"].as_str().unwrap_or("it does not say why");
            let words: String = words.trim_end_matches(['.', '\n']).chars().take(500).collect();
            Err(LspError::Refused(words))
        }
        _ => Ok(message["result"].take()),
    };
    // Nobody may wait any more.
    let _ = waiting.send(outcome);
    None
}

/// What is answered to a server's own questions: it has no settings of ours, and
/// may register what it likes.
fn answer(id: Value, method: &str, params: &Value) -> Value {
    let result = match method {
        "workspace/configuration" => {
            let count = params["items"].as_array().map_or(0, Vec::len).min(1000);
            json!(vec![Value::Null; count])
        }
        "client/registerCapability"
        | "client/unregisterCapability"
        | "window/workDoneProgress/create"
        | "window/showMessageRequest"
        | "workspace/workspaceFolders" => Value::Null,
        _ => {
            let error = json!({"code": METHOD_NOT_FOUND, "message": "this client does not do that"});
            return json!({"jsonrpc": "2.0", "id": id, "error": error});
        }
    };
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_questions_are_answered_and_odd_messages_ignored() {
        let state = Mutex::new(State::default());
        let asked = json!({"id": "a", "method": "workspace/configuration", "params": {"items": [{}, {}]}});
        assert_eq!(take(asked, &state).unwrap()["result"], json!([null, null]));
        let unknown = take(json!({"id": 1, "method": "workspace/applyEdit"}), &state).unwrap();
        assert_eq!(unknown["error"]["code"], METHOD_NOT_FOUND);
        for odd in [
            json!(null),
            json!([1]),
            json!({"method": "window/logMessage", "params": 1}),
            json!({"id": 99, "result": 1}),
            json!({"id": -1}),
            json!({"result": 1}),
        ] {
            assert_eq!(take(odd, &state), None);
        }
    }
}
