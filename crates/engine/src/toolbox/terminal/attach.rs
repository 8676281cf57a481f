//! One client's connection to a terminal.
//!
//! Listening and telling go on side by side: pings are answered while the
//! client is slow to read, and typing arrives while much is printed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use axum::http::HeaderMap;
use bytes::Bytes;
use daytona::{PtyControl, PtyExit, PtyStatus};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};

use super::running::PIECE;
use super::screen::{Follower, Piece};
use super::terminals::Terminal;
use crate::fault::Fault;
use crate::registry::{Live, counts_as_use};

/// How often the client is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);
/// A client from which nothing came for so long is gone.
const SILENCE: Duration = Duration::from_secs(70);
/// How long a program may leave typed bytes unread; shorter than clients wait
/// for the answer to a ping.
const UNREAD: Duration = Duration::from_secs(15);
/// How long a client may take for the last messages.
const FAREWELL: Duration = Duration::from_secs(30);

/// What is known of a client.
pub(super) struct Connection {
    live: Arc<Live>,
    /// Whether it wants to be told the end.
    exit_control: bool,
    /// Whether its being there keeps the sandbox awake.
    counts: bool,
}

impl Connection {
    pub(super) fn new(live: &Arc<Live>, exit_control: bool, headers: &HeaderMap) -> Self {
        Self {
            live: Arc::clone(live),
            exit_control,
            counts: counts_as_use(headers),
        }
    }
}

/// Why a connection ends.
enum End {
    /// The client left.
    Gone,
    /// The terminal's program ended with this code.
    Exited(i32),
    /// The client does not read what is printed.
    Slow,
    /// The program does not read what is typed.
    Unread,
}

/// Connects the client to the terminal until one of them ends.
pub(super) async fn attach(mut socket: WebSocket, connection: Connection, terminal: Arc<Terminal>) {
    let Connection {
        live,
        exit_control,
        counts,
    } = connection;
    let _use = counts.then(|| live.activity.enter());
    let running = match terminal.start(&live).await {
        Ok(running) => running,
        Err(fault) => return refuse(socket, fault).await,
    };
    let mut follower = running.screen.follow();
    let connected = control(PtyStatus::Connected);
    if socket.send(connected).await.is_err() {
        return;
    }
    let (mut sink, mut stream) = socket.split();
    let end = tokio::select! {
        end = hear(&mut stream, &running.input) => end,
        end = tell(&mut sink, &mut follower) => end,
    };
    drop(follower);
    let frame = match end {
        End::Gone => None,
        End::Slow => Some(close(
            close_code::POLICY,
            "slow consumer: the output was not read",
        )),
        End::Unread => Some(close(
            close_code::POLICY,
            "the terminal's program does not read its input",
        )),
        End::Exited(code) => {
            let exit = exit(code);
            let reason = serde_json::to_string(&exit).unwrap_or_default();
            if exit_control {
                let exited = control(PtyStatus::Exited(exit));
                let _ = timeout(FAREWELL, sink.send(exited)).await;
            }
            Some(match code {
                0 => close(close_code::NORMAL, &reason),
                _ => close(close_code::ERROR, &reason),
            })
        }
    };
    say_goodbye(sink, stream, frame).await;
}

/// Tells a client on its socket that there is nothing to connect to.
pub(super) async fn refuse(socket: WebSocket, fault: Fault) {
    let (mut sink, stream) = socket.split();
    let error = PtyStatus::Error {
        error: fault.message().to_owned(),
    };
    if sink.send(control(error)).await.is_ok() {
        let frame = close(close_code::ERROR, "no such PTY session");
        say_goodbye(sink, stream, Some(frame)).await;
    }
}

/// Passes on what the client types.
async fn hear(stream: &mut SplitStream<WebSocket>, input: &mpsc::Sender<Bytes>) -> End {
    loop {
        let typed = match timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(Message::Binary(bytes)))) => bytes,
            Ok(Some(Ok(Message::Text(text)))) => text.into(),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) | Err(_) => return End::Gone,
        };
        if !give(typed, input).await {
            return End::Unread;
        }
    }
}

/// Whether all of it was taken, or nobody is there any more to take it.
async fn give(mut typed: Bytes, input: &mpsc::Sender<Bytes>) -> bool {
    while !typed.is_empty() {
        let piece = typed.split_to(typed.len().min(PIECE));
        if timeout(UNREAD, input.send(piece)).await.is_err() {
            return false;
        }
    }
    true
}

/// Passes on what is printed.
async fn tell(sink: &mut SplitSink<WebSocket, Message>, follower: &mut Follower) -> End {
    let mut ping = interval_at(Instant::now() + PING, PING);
    loop {
        let message = tokio::select! {
            piece = follower.next() => match piece {
                Piece::Output(bytes) => Message::Binary(bytes),
                Piece::End(code) => return End::Exited(code),
                Piece::TooSlow => return End::Slow,
            },
            _ = ping.tick() => Message::Ping(Bytes::new()),
        };
        tokio::select! {
            sent = sink.send(message) => if sent.is_err() {
                return End::Gone;
            },
            () = follower.given_up() => return End::Slow,
        }
    }
}

fn control(status: PtyStatus) -> Message {
    let text = serde_json::to_string(&PtyControl::new(status));
    Message::Text(text.expect("plain fields serialize").into())
}

/// An end with this code, in Daytona's words.
fn exit(exit_code: i32) -> PtyExit {
    let exit_reason = match exit_code {
        0 => None,
        130 => Some("Ctrl+C".to_owned()),
        137 => Some("SIGKILL".to_owned()),
        143 => Some("SIGTERM".to_owned()),
        code if code > 128 => Some(format!("signal {}", code - 128)),
        _ => Some("non-zero exit".to_owned()),
    };
    PtyExit {
        exit_code,
        exit_reason,
    }
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame {
        code,
        reason: reason.into(),
    }
}

/// Ends the connection in order, as far as the client takes part.
async fn say_goodbye(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    frame: Option<CloseFrame>,
) {
    let ending = async {
        if let Some(frame) = frame
            && sink.send(Message::Close(Some(frame))).await.is_ok()
        {
            while let Some(Ok(_)) = stream.next().await {}
        }
        sink.close().await
    };
    // Whoever does not listen any more loses nothing.
    let _ = timeout(FAREWELL, ending).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_daytonas_reasons() {
        let reason = |code| exit(code).exit_reason;
        assert_eq!(reason(0), None);
        assert_eq!(reason(1).as_deref(), Some("non-zero exit"));
        assert_eq!(reason(128).as_deref(), Some("non-zero exit"));
        assert_eq!(reason(129).as_deref(), Some("signal 1"));
        assert_eq!(reason(130).as_deref(), Some("Ctrl+C"));
        assert_eq!(reason(137).as_deref(), Some("SIGKILL"));
        assert_eq!(reason(143).as_deref(), Some("SIGTERM"));
    }

    #[test]
    fn controls_are_written_as_daytona_writes_them() {
        let text = |status| control(status).into_text().unwrap().to_string();
        assert_eq!(
            text(PtyStatus::Connected),
            r#"{"type":"control","status":"connected"}"#
        );
        assert_eq!(
            text(PtyStatus::Error { error: "x".into() }),
            r#"{"type":"control","status":"error","error":"x"}"#
        );
        assert_eq!(
            text(PtyStatus::Exited(exit(3))),
            r#"{"type":"control","status":"exited","exitCode":3,"exitReason":"non-zero exit"}"#
        );
        assert_eq!(
            text(PtyStatus::Exited(exit(0))),
            r#"{"type":"control","status":"exited","exitCode":0}"#
        );
    }
}
