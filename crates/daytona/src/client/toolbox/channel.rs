//! Messages of a WebSocket that both sides write to: terminals, the interpreter.

use super::liveness::{Liveness, Step};
use super::socket::Socket;
use crate::client::Error;
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

/// How long the other side may leave what we send unread.
const SEND_PATIENCE: Duration = Duration::from_secs(60);
/// How long answering a close may take.
const CLOSE_COURTESY: Duration = Duration::from_millis(100);
/// The close code of a connection closed without one.
const NO_CODE: u16 = 1005;

/// What arrives.
#[derive(Debug)]
pub(super) enum Received {
    Binary(Bytes),
    Text(Bytes),
    Closed { code: u16, reason: String },
}

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct Channel {
    sender: ChannelSender,
    stream: SplitStream<Socket>,
    liveness: Liveness,
}

/// Sends into a channel; may be cloned.
#[derive(Clone, Debug)]
pub(super) struct ChannelSender {
    label: String,
    sink: Arc<Mutex<SplitSink<Socket, Message>>>,
}

impl ChannelSender {
    pub(super) async fn send(&self, message: Message) -> Result<(), Error> {
        let sent = async { self.sink.lock().await.send(message).await };
        match timeout(SEND_PATIENCE, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.interrupted(error.to_string())),
            Err(_) => Err(self.interrupted("what was sent is not read".to_owned())),
        }
    }

    fn interrupted(&self, reason: String) -> Error {
        Error::Interrupted {
            call: self.label.clone(),
            reason,
        }
    }
}

impl Channel {
    pub(super) fn new(label: String, socket: Socket) -> Self {
        let (sink, stream) = socket.split();
        Self {
            sender: ChannelSender {
                label,
                sink: Arc::new(Mutex::new(sink)),
            },
            stream,
            liveness: Liveness::new(),
        }
    }

    pub(super) fn sender(&self) -> ChannelSender {
        self.sender.clone()
    }

    pub(super) fn label(&self) -> &str {
        &self.sender.label
    }

    /// The next message. May be dropped at any time without loss. Also keeps
    /// the connection alive.
    pub(super) async fn next(&mut self) -> Result<Received, Error> {
        loop {
            let (until, step) = self.liveness.next_step();
            match tokio::time::timeout_at(until, self.stream.next()).await {
                Ok(Some(Ok(Message::Close(frame)))) => {
                    // A courtesy: all there was has arrived.
                    let flushed = async { self.sender.sink.lock().await.flush().await };
                    let _courtesy = timeout(CLOSE_COURTESY, flushed).await;
                    let (code, reason) = frame.map_or((NO_CODE, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    return Ok(Received::Closed { code, reason });
                }
                Ok(Some(Ok(message))) => {
                    self.liveness.sign();
                    match message {
                        Message::Binary(bytes) => return Ok(Received::Binary(bytes)),
                        Message::Text(text) => return Ok(Received::Text(text.into())),
                        _ => {}
                    }
                }
                Ok(Some(Err(tungstenite::Error::Capacity(error)))) => {
                    return Err(Error::Malformed {
                        call: self.label().to_owned(),
                        reason: error.to_string(),
                    });
                }
                Ok(Some(Err(error))) => return Err(self.sender.interrupted(error.to_string())),
                Ok(None) => return Err(self.sender.interrupted("the connection was closed".to_owned())),
                Err(_) if step == Step::GiveUp => {
                    return Err(self.sender.interrupted("the provider has gone quiet".to_owned()));
                }
                Err(_) => {
                    self.liveness.pinged();
                    self.sender.send(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }
}
