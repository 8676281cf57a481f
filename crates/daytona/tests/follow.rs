//! Followed logs, in the exact format and in Daytona's: to the byte, across
//! broken connections, and with whatever a server may send.

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::{Bytes, BytesMut};
use daytona::wire::Stream;
use daytona::wire::frames::{encode_gap, encode_output};
use daytona::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the server does with one connection.
enum Step {
    Send(Message),
    Close(u16),
    /// Sends a ping and waits for its pong.
    AwaitPong,
    /// Drops the connection without a close.
    Drop,
}

/// The connections of a log: for each one the offset it is expected to ask
/// for, and the steps.
struct Script {
    exact: bool,
    connections: Vec<(u64, Vec<Step>)>,
}

type Shared = Arc<Mutex<Script>>;

async fn upgrade(
    State(script): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    assert_eq!(headers["authorization"], "Bearer key");
    assert_eq!(headers["x-pitlane-log"], "frames-v1");
    assert_eq!(query["follow"], "true");
    let (exact, steps) = {
        let mut script = script.lock().expect("one at a time");
        if script.connections.is_empty() {
            let body = r#"{"statusCode":404,"message":"not found: command not found","code":"NOT_FOUND"}"#;
            return (StatusCode::NOT_FOUND, body).into_response();
        }
        let (offset, steps) = script.connections.remove(0);
        assert_eq!(query["offset"], offset.to_string());
        (script.exact, steps)
    };
    let mut response = socket
        .on_upgrade(move |socket| play(socket, steps))
        .into_response();
    if exact {
        response
            .headers_mut()
            .insert("x-pitlane-log", HeaderValue::from_static("frames-v1"));
    }
    response
}

async fn play(mut socket: WebSocket, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Send(message) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Step::Close(code) => {
                let frame = CloseFrame {
                    code,
                    reason: "the reason".into(),
                };
                let _ = socket.send(Message::Close(Some(frame))).await;
                while let Some(Ok(_)) = socket.recv().await {}
            }
            Step::AwaitPong => {
                socket
                    .send(Message::Ping("p".into()))
                    .await
                    .expect("the client listens");
                let pong = tokio::time::timeout(Duration::from_secs(5), socket.recv()).await;
                assert!(
                    matches!(pong, Ok(Some(Ok(Message::Pong(ref p)))) if p == "p"),
                    "{pong:?}"
                );
            }
            Step::Drop => return,
        }
    }
}

async fn follow(exact: bool, from: u64, connections: Vec<(u64, Vec<Step>)>) -> Result<LogFollow, Error> {
    follow_from(exact, from, connections).await.0
}

/// The same, with the task that accepts connections.
async fn follow_from(
    exact: bool,
    from: u64,
    connections: Vec<(u64, Vec<Step>)>,
) -> (Result<LogFollow, Error>, tokio::task::AbortHandle) {
    let script = Arc::new(Mutex::new(Script { exact, connections }));
    let router = Router::new()
        .route("/toolbox/s1/process/session/run/command/c1/logs", get(upgrade))
        .with_state(script);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let config = Config {
        api_url: format!("http://{address}/api"),
        ..Config::new("key")
    };
    let toolbox_proxy_url = format!("http://{address}/toolbox/");
    let sandbox = Sandbox {
        id: "s1".into(),
        toolbox_proxy_url,
        ..Sandbox::default()
    };
    let toolbox = Client::new(config)
        .expect("a client")
        .toolbox(&sandbox)
        .await
        .expect("a toolbox");
    (
        toolbox.follow_logs("run", "c1", from).await,
        server.abort_handle(),
    )
}

/// The whole log, and the error that ended it.
async fn read(log: &mut LogFollow) -> (Vec<(u64, Stream, Bytes)>, Option<Error>) {
    let mut pieces = Vec::new();
    let error = loop {
        match tokio::time::timeout(Duration::from_secs(20), log.next())
            .await
            .expect("it goes on")
        {
            Some(Ok(LogPiece::Output {
                offset,
                stream,
                bytes,
                ..
            })) => pieces.push((offset, stream, bytes)),
            Some(Ok(LogPiece::Gap { .. })) => panic!("no gap was sent"),
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    assert!(log.next().await.is_none(), "nothing after the end");
    (pieces, error)
}

fn records(records: &[(u64, Stream, &[u8])]) -> Step {
    let mut message = BytesMut::new();
    for (offset, stream, content) in records {
        encode_output(&mut message, *stream, 1000, *offset, content);
    }
    Step::Send(Message::Binary(message.freeze()))
}

fn bytes(content: &'static [u8]) -> Step {
    Step::Send(Message::Binary(Bytes::from_static(content)))
}

use Stream::{Stderr, Stdout};

#[tokio::test]
async fn an_exact_log_is_exact() {
    let content: &[u8] = b"no line break, \0, \xff, \x01\x01\x01, \x02\x02\x02";
    let steps = vec![
        records(&[(3, Stdout, content), (32, Stderr, b"e")]),
        Step::Close(1000),
    ];
    let mut log = follow(true, 3, vec![(3, steps)]).await.expect("a log");
    assert!(log.exact());
    let first = log.next().await.expect("a piece").expect("no error");
    let expected = LogPiece::Output {
        offset: 3,
        at_ms: Some(1000),
        stream: Stdout,
        bytes: content.into(),
    };
    assert_eq!((first, content.len()), (expected, 29));
    assert_eq!(log.offset(), 32);
    let (rest, error) = read(&mut log).await;
    assert_eq!(rest, [(32, Stderr, "e".into())]);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn a_broken_exact_log_is_taken_up_where_it_broke() {
    let connections = vec![
        (
            0,
            vec![records(&[(0, Stdout, b"ab"), (2, Stderr, b"cd")]), Step::Drop],
        ),
        // A server may begin before the byte that was asked for.
        (
            4,
            vec![records(&[(3, Stderr, b"d"), (4, Stdout, b"ef")]), Step::Drop],
        ),
        (6, vec![Step::Drop]),
        (6, vec![records(&[(6, Stdout, b"g")]), Step::Close(1000)]),
    ];
    let mut log = follow(true, 0, connections).await.expect("a log");
    let (pieces, error) = read(&mut log).await;
    let expected = [
        (0, Stdout, "ab".into()),
        (2, Stderr, "cd".into()),
        (4, Stdout, "ef".into()),
        (6, Stdout, "g".into()),
    ];
    assert_eq!(pieces, expected);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn a_command_that_went_away_meanwhile_is_an_error_and_no_end() {
    let mut log = follow(
        true,
        0,
        vec![(0, vec![records(&[(0, Stdout, b"ab")]), Step::Drop])],
    )
    .await
    .expect("a log");
    let (pieces, error) = read(&mut log).await;
    assert_eq!(pieces, [(0, Stdout, "ab".into())]);
    assert!(error.expect("an error").is_not_found());
}

#[tokio::test]
async fn a_provider_that_stays_away_is_given_up() {
    let steps = vec![records(&[(0, Stdout, b"ab")]), Step::AwaitPong, Step::Drop];
    let (log, server) = follow_from(true, 0, vec![(0, steps)]).await;
    let mut log = log.expect("a log");
    log.next().await.expect("a piece").expect("no error");
    server.abort();
    // The patience is passed over, not waited for.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let error = log.next().await.expect("an error").expect_err("nobody there");
    assert!(error.is_retryable(), "{error}");
    let patience = started.elapsed();
    assert!(
        patience >= Duration::from_secs(15) && patience < Duration::from_secs(60),
        "{patience:?}"
    );
    assert!(log.next().await.is_none());
}

#[tokio::test]
async fn announced_gaps_are_handed_on() {
    let mut message = BytesMut::new();
    encode_gap(&mut message, 7, 0, 100);
    let steps = vec![Step::Send(Message::Binary(message.freeze())), Step::Close(1000)];
    let mut log = follow(true, 0, vec![(0, steps)]).await.expect("a log");
    let piece = log.next().await.expect("a piece").expect("no error");
    assert_eq!(
        piece,
        LogPiece::Gap {
            offset: 0,
            at_ms: Some(7),
            missing: 100
        }
    );
    assert_eq!(log.offset(), 100);
    assert!(log.next().await.is_none());
}

#[tokio::test]
async fn daytonas_log_is_taken_apart_however_it_is_cut() {
    let steps = vec![
        bytes(b"dropped\x01"),
        bytes(b"\x01"),
        bytes(b"\x01o1\n\x02\x02"),
        Step::Send(Message::Text("\u{2}e\u{fc}\n".into())),
        bytes(b"\x01\x01\x01o2\n\x01"),
        Step::Close(1000),
    ];
    let mut log = follow(false, 0, vec![(0, steps)]).await.expect("a log");
    assert!(!log.exact());
    let (pieces, error) = read(&mut log).await;
    let expected = [
        (0, Stdout, "o1\n".into()),
        (3, Stderr, "e\u{fc}\n".into()),
        (7, Stdout, "o2\n".into()),
        (10, Stdout, "\u{1}".into()),
    ];
    assert_eq!(pieces, expected);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn a_break_of_daytonas_log_is_told() {
    let mut log = follow(false, 1, vec![(1, vec![bytes(b"\x01\x01\x01o1\n"), Step::Drop])])
        .await
        .expect("a log");
    let (pieces, error) = read(&mut log).await;
    assert_eq!(pieces, [(1, Stdout, "1\n".into())]);
    assert!(
        matches!(error, Some(Error::LogBroken { offset: 3, .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn any_close_but_the_good_one_is_an_error() {
    for exact in [true, false] {
        for code in [1001, 1008, 1011, 4008] {
            let mut log = follow(exact, 0, vec![(0, vec![Step::Close(code)])])
                .await
                .expect("a log");
            let (pieces, error) = read(&mut log).await;
            assert_eq!(pieces, []);
            let error = error.expect("an error");
            assert_eq!(
                error.to_string(),
                format!("The log was closed before its end, with code {code}: the reason")
            );
        }
    }
}

#[tokio::test]
async fn pings_are_answered_while_nothing_is_written() {
    let steps = vec![
        Step::AwaitPong,
        Step::AwaitPong,
        records(&[(0, Stdout, b"a")]),
        Step::Close(1000),
    ];
    let mut log = follow(true, 0, vec![(0, steps)]).await.expect("a log");
    let (pieces, error) = read(&mut log).await;
    assert_eq!(pieces.len(), 1, "{error:?}");
}

#[tokio::test]
async fn a_call_of_next_that_is_dropped_loses_nothing() {
    let steps = (0..200)
        .map(|index| records(&[(index * 2, Stdout, b"ab")]))
        .chain([Step::Close(1000)])
        .collect();
    let mut log = follow(true, 0, vec![(0, steps)]).await.expect("a log");
    let mut total = 0;
    loop {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            piece = log.next() => match piece {
                Some(piece) => match piece.expect("no error") {
                    LogPiece::Output { bytes, .. } => total += bytes.len(),
                    LogPiece::Gap { .. } => panic!("no gap was sent"),
                },
                None => break,
            },
        }
    }
    assert_eq!(total, 400);
}

#[tokio::test]
async fn a_refused_log_keeps_the_reason() {
    let error = follow(true, 0, Vec::new()).await.expect_err("no such command");
    assert_eq!((error.status(), error.code()), (Some(404), Some("NOT_FOUND")));
    assert_eq!(error.message(), Some("not found: command not found"));
}

#[tokio::test]
async fn hostile_messages_are_refused() {
    let long = Step::Send(Message::Binary(vec![1; 5 * 1024 * 1024].into()));
    for step in [long, bytes(b"\x03garbage"), bytes(&[9; 40])] {
        let mut log = follow(true, 0, vec![(0, vec![step, Step::Close(1000)])])
            .await
            .expect("a log");
        let (_, error) = read(&mut log).await;
        assert!(matches!(error, Some(Error::Malformed { .. })), "{error:?}");
    }
}

/// `lines` a record, a thousand lines a message; answers how long it took.
async fn flow(lines: u64) -> Duration {
    const LINES: u64 = 1_000_000;
    const LINE: &[u8] = b"line 0000000 of a program that prints all it knows\n";
    let content = LINE.repeat(lines as usize);
    let length = content.len() as u64;
    let message = |index: u64| {
        let first = index * 1000 / lines;
        let batch: Vec<_> = (first..first + 1000 / lines)
            .map(|record| (record * length, Stdout, &content[..]))
            .collect();
        records(&batch)
    };
    let steps = (0..LINES / 1000)
        .map(message)
        .chain([Step::Close(1000)])
        .collect();
    let mut log = follow(true, 0, vec![(0, steps)]).await.expect("a log");
    let started = Instant::now();
    let mut total = 0;
    while let Some(piece) = log.next().await {
        match piece.expect("no error") {
            LogPiece::Output { offset, bytes, .. } => {
                assert_eq!(offset, total);
                total += bytes.len() as u64;
            }
            LogPiece::Gap { .. } => panic!("no gap was sent"),
        }
    }
    assert_eq!(total, LINES * LINE.len() as u64);
    started.elapsed()
}

/// Bounds that an unoptimised build on a busy machine keeps with ease, and a
/// copy or a wait for each line does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_lines_flow() {
    let in_batches = flow(1000).await;
    assert!(
        in_batches < Duration::from_secs(5),
        "{in_batches:?} with a thousand lines a record"
    );
    let one_by_one = flow(1).await;
    assert!(
        one_by_one < Duration::from_secs(30),
        "{one_by_one:?} with one line a record"
    );
}
