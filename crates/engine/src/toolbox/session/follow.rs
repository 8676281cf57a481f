//! `GET …/command/{id}/logs?follow=true`: the log as it grows, by WebSocket.
//!
//! In Daytona's format unless the client asks for the exact one
//! (`daytona::extension`). Either way each follower reads the spool at its own
//! speed; a slow one is slow alone.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use daytona::extension::{LOG_FRAMES_V1, LOG_HEADER, log_end_reason};
use daytona::wire::Stream;
use daytona::wire::frames::{MESSAGE_LIMIT, Record, next_record};
use futures::SinkExt;

use super::logs::snapshot;
use super::past::Past;
use super::routes::{CommandPath, find_command};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;
use crate::spool::{Reader, Spool};
use crate::toolbox::markers::Markers;

/// The most bytes in a message of Daytona's format. Its own daemon sends about
/// as many, and its SDKs count on it: for each line, they look through the rest
/// of the message (TypeScript copies it, too), and TypeScript's cannot take
/// messages of more than some 100 KiB at all.
const MARKED_LIMIT: usize = 2 << 10;
/// How long a client may take to answer the closing of the socket.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(5);

#[derive(serde::Deserialize)]
pub(super) struct LogQuery {
    #[serde(default)]
    follow: bool,
    /// `daytona::extension::LOG_OFFSET`.
    #[serde(default)]
    offset: u64,
}

pub(super) async fn logs(
    live: Option<Extension<Arc<Live>>>,
    Extension(past): Extension<Past>,
    Path(path): Path<CommandPath>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    let live = live.map(|Extension(live)| live);
    let (_, spool) = find_command(live.as_deref(), past, path).await?;
    Ok(answer(live, &spool, &query, &headers, upgrade))
}

/// The log as far as it is, or as it grows, as the client asks.
pub(super) fn answer(
    live: Option<Arc<Live>>,
    spool: &Arc<Spool>,
    query: &LogQuery,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let (true, Ok(upgrade)) = (query.follow, upgrade) else {
        return snapshot(spool);
    };
    let exact = headers
        .get(LOG_HEADER)
        .is_some_and(|value| value == LOG_FRAMES_V1);
    let reader = spool.read_from(if exact { query.offset } else { 0 });
    let mut response = upgrade.on_upgrade(move |socket| async move {
        // A follower counts as activity for as long as it listens.
        let _use = live.as_ref().map(|live| live.activity.enter());
        if exact {
            follow(socket, reader, |records| records, <[u8]>::len, log_end_reason).await;
        } else {
            let mut markers = Markers::default();
            let form = |records| marked(records, &mut markers);
            follow(socket, reader, form, marked_end, |_| String::new()).await;
        }
    });
    if exact {
        response
            .headers_mut()
            .insert(LOG_HEADER, HeaderValue::from_static(LOG_FRAMES_V1));
    }
    response
}

/// Sends what the reader gives until the command has ended or the client left:
/// in some form, and in messages that end where `end` says. `farewell` makes the
/// reason of the closing from the offset it closes at.
async fn follow(
    mut socket: WebSocket,
    mut reader: Reader,
    mut form: impl FnMut(Bytes) -> Bytes,
    end: fn(&[u8]) -> usize,
    farewell: fn(u64) -> String,
) {
    loop {
        tokio::select! {
            records = reader.next(MESSAGE_LIMIT) => {
                let Some(records) = records else { break };
                let records = records.into_iter().map(&mut form);
                if send(&mut socket, records, end).await.is_err() {
                    return;
                }
            }
            // Polled so that pings are answered; the client has nothing to say.
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
    let end = CloseFrame {
        code: close_code::NORMAL,
        reason: farewell(reader.offset()).into(),
    };
    if socket.send(Message::Close(Some(end))).await.is_ok() {
        let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
        // A client that does not answer loses nothing: all was sent.
        let _ = tokio::time::timeout(FAREWELL, answered).await;
    }
}

/// Sends bytes as messages that end where `end` says, written together.
async fn send(
    socket: &mut WebSocket,
    pieces: impl Iterator<Item = Bytes>,
    end: fn(&[u8]) -> usize,
) -> Result<(), axum::Error> {
    for mut bytes in pieces {
        while !bytes.is_empty() {
            let message = bytes.split_to(end(&bytes));
            socket.feed(Message::Binary(message)).await?;
        }
    }
    socket.flush().await
}

/// Where a message of Daytona's format ends: never with a marker or a part of
/// one, which the TypeScript SDK would take for output.
fn marked_end(bytes: &[u8]) -> usize {
    if bytes.len() <= MARKED_LIMIT {
        return bytes.len();
    }
    let is_marker = |byte: &&u8| matches!(byte, 1 | 2);
    let marker = Stream::Stdout.marker().len();
    let tail = bytes[..MARKED_LIMIT]
        .iter()
        .rev()
        .take(marker)
        .take_while(is_marker);
    MARKED_LIMIT - tail.count()
}

fn marked(mut records: Bytes, markers: &mut Markers) -> Bytes {
    let mut out = Vec::with_capacity(records.len());
    // The spool holds what this engine wrote; a record that cannot be read ends the message.
    while let Ok(Some(record)) = next_record(&mut records) {
        match record {
            Record::Output { stream, bytes, .. } => markers.push(stream, &bytes, &mut out),
            Record::Gap { missing, .. } => {
                let sentence = format!("\n[{missing} bytes of output were not kept]\n");
                markers.push(Stream::Stderr, sentence.as_bytes(), &mut out);
            }
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_ends_in_a_marker() {
        for line in 1..200 {
            let mut bytes = Vec::new();
            let mut markers = Markers::default();
            let content = [&vec![b'x'; line][..], b"\n"].concat().repeat(5000 / line);
            markers.push(Stream::Stdout, &content, &mut bytes);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (message, after) = rest.split_at(marked_end(rest));
                assert!((1..=MARKED_LIMIT).contains(&message.len()));
                assert!(!message.ends_with(&[1]), "lines of {line}");
                rest = after;
            }
        }
        assert_eq!(marked_end(&[1; 3 * MARKED_LIMIT]), MARKED_LIMIT - 3);
    }
}
