//! Connections that do not come about, break, or are given up: a call that may
//! have been executed is never sent again.

use daytona::*;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What the server does with the n-th request it has read whole.
#[derive(Clone, Copy)]
enum Then {
    Answer(&'static str),
    Close,
    Stall,
}

const SANDBOX: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"id\":\"s1\"}";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"id\"";

/// Serves the script, one step a request, and counts the requests.
async fn serve(script: &'static [Then]) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(converse(connection, script, counter.clone()));
        }
    });
    let config = Config {
        api_url: format!("http://{address}/api"),
        ..Config::new("key")
    };
    (Client::new(config).expect("a client"), requests)
}

async fn converse(mut connection: TcpStream, script: &[Then], requests: Arc<AtomicUsize>) {
    while read_request(&mut connection).await {
        let step = requests.fetch_add(1, Ordering::SeqCst);
        match script.get(step).copied().unwrap_or(Then::Close) {
            Then::Answer(answer) => {
                connection
                    .write_all(answer.as_bytes())
                    .await
                    .expect("the client listens");
                if answer == CUT {
                    return;
                }
            }
            Then::Close => return,
            Then::Stall => tokio::time::sleep(Duration::from_secs(3600)).await,
        }
    }
}

/// Reads one request with its body; false at the connection's end.
async fn read_request(connection: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.trim().parse().expect("a length")) {
                return true;
            }
        }
        let mut buffer = [0; 4096];
        match connection.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
}

#[tokio::test]
async fn a_post_is_not_sent_again_when_the_connection_breaks() {
    let (client, requests) = serve(&[Then::Close, Then::Answer(SANDBOX)]).await;
    let error = client
        .create(&CreateSandbox::default())
        .await
        .expect_err("broken");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(error.may_have_executed());
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nor_when_a_kept_connection_breaks() {
    let (client, requests) = serve(&[Then::Answer(SANDBOX), Then::Close, Then::Answer(SANDBOX)]).await;
    client.get("s1").await.expect("a sandbox");
    let error = client
        .create(&CreateSandbox::default())
        .await
        .expect_err("broken");
    assert!(error.may_have_executed(), "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nor_when_its_answer_is_cut() {
    let (client, requests) = serve(&[Then::Answer(CUT), Then::Answer(SANDBOX)]).await;
    let error = client.create(&CreateSandbox::default()).await.expect_err("cut");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_get_is_sent_again() {
    let (client, requests) = serve(&[Then::Close, Then::Answer(CUT), Then::Answer(SANDBOX)]).await;
    assert_eq!(client.get("s1").await.expect("a sandbox").id, "s1");
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_get_is_not_sent_for_ever() {
    let (client, requests) = serve(&[]).await;
    let error = client.get("s1").await.expect_err("never answered");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_a_delete() {
    let (client, requests) = serve(&[Then::Close, Then::Answer(NOT_FOUND)]).await;
    client.delete("s1").await.expect("deleted by the first");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

/// A port at which nobody listens, and nobody else can for as long as the socket is there.
fn a_port_that_refuses() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

#[tokio::test]
async fn a_post_that_never_connected_is_sent_when_it_can_be() {
    let (socket, address) = a_port_that_refuses();
    let config = Config {
        api_url: format!("http://{address}/api"),
        ..Config::new("key")
    };
    let client = Client::new(config).expect("a client");
    let late = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let listener = socket.listen(8).expect("it listens");
        let (connection, _) = listener.accept().await.expect("the client");
        converse(connection, &[Then::Answer(SANDBOX)], Arc::default()).await;
    };
    let request = CreateSandbox::default();
    tokio::select! {
        sandbox = client.create(&request) => assert_eq!(sandbox.expect("a sandbox").id, "s1"),
        () = late => panic!("the client went away"),
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_that_says_so() {
    let (_socket, address) = a_port_that_refuses();
    let config = Config {
        api_url: format!("http://{address}/api"),
        ..Config::new("key")
    };
    let error = Client::new(config)
        .expect("a client")
        .create(&CreateSandbox::default())
        .await
        .expect_err("nobody");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.is_retryable() && !error.may_have_executed());
    assert!(
        error
            .to_string()
            .starts_with("POST /sandbox did not reach the provider: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _greeting = connection.read(&mut [0; 4096]).await;
            let _refused = connection.write_all(NOT_FOUND.as_bytes()).await;
        }
    });
    let config = Config {
        api_url: format!("https://{address}/api"),
        ..Config::new("key")
    };
    let error = Client::new(config)
        .expect("a client")
        .create(&CreateSandbox::default())
        .await
        .expect_err("no TLS");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_service_that_stalls_is_not_waited_for() {
    let (client, requests) = serve(&[Then::Stall]).await;
    let error = client.health().await.expect_err("stalled");
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let config = Config {
        api_url: format!("http://{}/api", listener.local_addr().expect("an address")),
        ..Config::new("key")
    };
    let client = Client::new(config).expect("a client");
    let call = tokio::spawn(async move { client.get("s1").await });
    let (mut connection, _) = listener.accept().await.expect("the client");
    assert!(read_request(&mut connection).await);
    call.abort();
    let closed = tokio::time::timeout(Duration::from_secs(5), connection.read(&mut [0; 1])).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
}
