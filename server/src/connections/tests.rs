//! Clients that mean no good, on real sockets, and others beside them.

use super::{Bounds, serve};
use axum::{Router, body::Body, routing::get};
use futures::stream;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(60);

/// Counts itself as long as it is there.
struct Here(Arc<AtomicUsize>);

impl Here {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/` says hello, `/quiet` never ends and says nothing more, `/flood` never ends and says much.
async fn site(bounds: Bounds) -> (SocketAddr, Arc<AtomicUsize>, DropGuard) {
    let under_way = Arc::new(AtomicUsize::new(0));
    let (quiet, flood) = (Arc::clone(&under_way), Arc::clone(&under_way));
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route(
            "/quiet",
            get(async move || {
                let here = Here::new(&quiet);
                Body::from_stream(stream::unfold((here, true), async |(here, first)| {
                    if !first {
                        std::future::pending::<()>().await;
                    }
                    Some((Ok::<_, std::io::Error>("begun\n"), (here, false)))
                }))
            }),
        )
        .route(
            "/flood",
            get(async move || {
                let here = Here::new(&flood);
                Body::from_stream(stream::unfold(here, async |here| {
                    Some((Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]), here))
                }))
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    tokio::spawn(serve(listener, router, bounds, shutdown.clone()));
    (address, under_way, shutdown.drop_guard())
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"))
}

async fn connect(address: SocketAddr) -> TcpStream {
    within("a connection", TcpStream::connect(address))
        .await
        .expect("connected")
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
}

/// What comes until the other side closes. A reset is an end too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = within("the end", stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks, and reads until this was said.
async fn until_said(stream: &mut TcpStream, path: &str, words: &str) -> String {
    send(stream, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    let mut said = Vec::new();
    within(words, async {
        let mut piece = [0; 1024];
        while !String::from_utf8_lossy(&said).contains(words) {
            let count = stream.read(&mut piece).await.expect("readable");
            assert!(count > 0, "closed after {}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&piece[..count]);
        }
    })
    .await;
    String::from_utf8_lossy(&said).into_owned()
}

async fn until_none(under_way: &AtomicUsize) {
    within("nothing is under way", async {
        while under_way.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_head_without_end_is_refused_and_one_that_dawdles_is_closed() {
    let bounds = Bounds {
        head: Duration::from_millis(300),
        ..Bounds::new(100)
    };
    let (address, _, _serving) = site(bounds).await;
    let mut endless = connect(address).await;
    send(&mut endless, "GET / HTTP/1.1\r\nHost: x\r\n").await;
    let line = format!("x: {}\r\n", "y".repeat(1000));
    for _ in 0..1000 {
        if endless.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut many = connect(address).await;
    let headers: String = (0..200).map(|number| format!("x{number}: y\r\n")).collect();
    send(&mut many, &format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
    assert!(rest(&mut many).await.starts_with("HTTP/1.1 431"));
    let mut slow = connect(address).await;
    send(&mut slow, "GET / HTTP/1.1\r\nHo").await;
    assert!(!rest(&mut slow).await.contains("200 OK"));
    let mut silent = connect(address).await;
    rest(&mut silent).await;
    // One that asks and then says nothing more is closed as well.
    let mut idle = connect(address).await;
    until_said(&mut idle, "/", "hello").await;
    rest(&mut idle).await;
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let (address, _, _serving) = site(Bounds::new(20)).await;
    let mut working = connect(address).await;
    until_said(&mut working, "/quiet", "begun").await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(connect(address).await);
    }
    for _ in 0..5 {
        let mut other = connect(address).await;
        until_said(&mut other, "/", "hello").await;
        idle.push(other);
    }
    // The first of the idle ones made room; the one at work did not.
    rest(&mut idle[0]).await;
    let mut piece = [0; 16];
    let more = tokio::time::timeout(Duration::from_millis(100), working.read(&mut piece)).await;
    assert!(more.is_err(), "still open: {more:?}");
}

#[tokio::test]
async fn when_all_are_at_work_a_newcomer_is_told_to_come_again() {
    let (address, under_way, _serving) = site(Bounds::new(2)).await;
    let mut working = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(address).await;
        until_said(&mut stream, "/quiet", "begun").await;
        working.push(stream);
    }
    let mut newcomer = connect(address).await;
    send(&mut newcomer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let told = rest(&mut newcomer).await;
    assert!(
        told.starts_with("HTTP/1.1 503") && told.contains("retry-after: 5"),
        "{told}"
    );
    let (head, body) = told.split_once("\r\n\r\n").expect("a body");
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );
    let error: app::UiError = serde_json::from_str(body).expect("the shape of all refusals");
    assert_eq!(error.code, app::ErrorCode::Unavailable);
    drop(working);
    until_none(&under_way).await;
    let mut newcomer = connect(address).await;
    until_said(&mut newcomer, "/", "hello").await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_given_up() {
    let bounds = Bounds {
        // Longer than the one that reads may have to wait for its turn.
        stalled: Duration::from_secs(3),
        ..Bounds::new(100)
    };
    let (address, under_way, _serving) = site(bounds).await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(address).await;
        send(&mut stream, "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n").await;
        stalled.push(stream);
    }
    // One that reads goes on all the while.
    let mut reader = connect(address).await;
    send(&mut reader, "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut piece = vec![0; 256 * 1024];
    within("only the reader is left", async {
        loop {
            assert!(reader.read(&mut piece).await.expect("still open") > 0);
            if under_way.load(Ordering::SeqCst) == 1 {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_lets_answers_end_and_closes_the_rest() {
    let (address, under_way, serving) = site(Bounds::new(10)).await;
    let mut idle = connect(address).await;
    let mut working = connect(address).await;
    until_said(&mut working, "/quiet", "begun").await;
    drop(serving);
    rest(&mut idle).await;
    assert_eq!(under_way.load(Ordering::SeqCst), 1, "what is under way may end");
    drop(working);
    until_none(&under_way).await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
}
