//! The proxy: CONNECT for everything encrypted, and plain requests passed on.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bridge::carry;
use super::gate::{Gate, Way};
use super::refusal::Refusal;

/// Connections of one sandbox at the same time; more wait.
const CONNECTIONS: usize = 256;
/// How long finding and reaching a server may take.
const CONNECT_TIME: Duration = Duration::from_secs(15);
/// How long a client may take to say what it wants.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// Meant for the next hop only, as `Connection` is.
const HOP_BY_HOP: &[HeaderName] = &[
    CONNECTION,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves connections until dropped.
pub(super) async fn serve(listener: TcpListener, gate: Arc<Gate>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, or the sandbox is gone: then this
                    // task is dropped soon.
                    tracing::debug!(%error, "a sandbox's connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let gate = Arc::clone(&gate);
        connections.spawn(async move {
            let _place = place;
            serve_connection(stream, gate).await;
        });
    }
}

async fn serve_connection(stream: TcpStream, gate: Arc<Gate>) {
    // The tunnel, if there is one, is served here too, so that it ends with
    // the sandbox.
    let (tunnels, mut opened) = tokio::sync::mpsc::channel(1);
    let asked = Arc::clone(&gate);
    let service = service_fn(move |request| {
        let (gate, tunnels) = (Arc::clone(&asked), tunnels.clone());
        async move { Ok::<_, std::convert::Infallible>(answer(request, gate, tunnels).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a sandbox's connection to its proxy broke");
    }
    if let Some(tunnel) = opened.recv().await {
        tunnel.run(&gate).await;
    }
}

/// A connection to be joined with its client once that has its answer.
struct Tunnel {
    client: hyper::upgrade::OnUpgrade,
    server: TcpStream,
    way: Way,
}

impl Tunnel {
    async fn run(self, gate: &Gate) {
        let Ok(client) = self.client.await else { return };
        let carried = carry(TokioIo::new(client), self.server, gate, &self.way).await;
        if let Err(error) = carried {
            tracing::debug!(%error, "a sandbox's tunnel broke");
        }
    }
}

async fn answer(
    mut request: Request<Incoming>,
    gate: Arc<Gate>,
    tunnels: tokio::sync::mpsc::Sender<Tunnel>,
) -> Response<Body> {
    let Some(authority) = request.uri().authority().cloned() else {
        return sentence(
            StatusCode::BAD_REQUEST,
            "This is a proxy: name the server in the request.",
        );
    };
    let is_connect = request.method() == Method::CONNECT;
    if !is_connect && request.uri().scheme_str() != Some("http") {
        return sentence(
            StatusCode::BAD_REQUEST,
            "Use CONNECT for anything that is not plain HTTP.",
        );
    }
    let (server, way) = match connect(&authority, if is_connect { 443 } else { 80 }, &gate).await {
        Ok(connected) => connected,
        Err((shown, refusal)) => {
            let status = match refusal {
                Refusal::Unreachable(_) | Refusal::NoName => StatusCode::BAD_GATEWAY,
                Refusal::Silent => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::FORBIDDEN,
            };
            return sentence(status, &format!("Pitlane's network proxy: {shown} {refusal}."));
        }
    };
    if is_connect {
        let tunnel = Tunnel {
            client: hyper::upgrade::on(&mut request),
            server,
            way,
        };
        return match tunnels.try_send(tunnel) {
            Ok(()) => sentence(StatusCode::OK, ""),
            Err(_) => sentence(StatusCode::BAD_REQUEST, "This connection is a tunnel already."),
        };
    }
    match forward(request, &authority, server, gate, way).await {
        Ok(response) => response,
        Err(error) => sentence(
            StatusCode::BAD_GATEWAY,
            &format!("{authority} broke the connection: {error}."),
        ),
    }
}

/// Finds the server and connects to the first of its addresses that is allowed
/// and answers; else says what was not reached, and why.
async fn connect(
    authority: &Authority,
    default_port: u16,
    gate: &Gate,
) -> Result<(TcpStream, Way), (String, Refusal)> {
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(default_port);
    let reach = async {
        let (names, addresses) = match host.parse::<IpAddr>() {
            Ok(address) => (Vec::new(), vec![address]),
            Err(_) => {
                let (name, addresses) = gate.look_up(host).await?;
                (vec![name], addresses)
            }
        };
        let mut last = Refusal::NoName;
        for address in addresses {
            let way = match gate.judge(names.clone(), SocketAddr::new(address, port)) {
                Ok(way) => way,
                Err(refusal) => {
                    last = refusal;
                    continue;
                }
            };
            match TcpStream::connect(way.target).await {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(Refusal::Unreachable)?;
                    return Ok((stream, way));
                }
                Err(error) => last = Refusal::Unreachable(error),
            }
        }
        Err(last)
    };
    timeout(CONNECT_TIME, reach)
        .await
        .unwrap_or(Err(Refusal::Silent))
        .map_err(|refusal| (format!("{host}:{port}"), refusal))
}

/// Passes a plain request on and its answer back.
async fn forward(
    mut request: Request<Incoming>,
    authority: &Authority,
    server: TcpStream,
    gate: Arc<Gate>,
    way: Way,
) -> Result<Response<Body>, hyper::Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    // What came as a valid URI has a valid path.
    let path = path.parse::<Uri>().unwrap_or_default();
    *request.uri_mut() = path;
    for_next_hop(request.headers_mut());
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(HOST, host);
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(server)).await?;
    let reading = tokio::spawn(async move {
        tokio::select! {
            _ = connection => {}
            () = gate.until_forbidden(&way) => {}
        }
    });
    let reading = AbortOnDrop(reading.abort_handle());
    let mut response = sender.send_request(request).await?;
    for_next_hop(response.headers_mut());
    Ok(response.map(|body| {
        // The connection lives as long as somebody reads from it.
        body.map_frame(move |frame| {
            let _keep = &reading;
            frame
        })
        .boxed()
    }))
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn for_next_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("proxy-connection");
    headers.remove("keep-alive");
}

fn sentence(status: StatusCode, text: &str) -> Response<Body> {
    let line = if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n")
    };
    let body = Full::new(Bytes::from(line))
        .map_err(|never| match never {})
        .boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::network::NetworkWish;

    /// A server that says what it read, up to an empty line.
    async fn origin() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while !seen.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        seen.push(byte);
                    }
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", seen.len());
                    stream.write_all(head.as_bytes()).await.unwrap();
                    stream.write_all(&seen).await.unwrap();
                });
            }
        });
        address
    }

    fn gate(bound: &str) -> Arc<Gate> {
        Gate::new(Arc::new(bound.parse().unwrap()), NetworkWish::default())
    }

    async fn ask(gate: Arc<Gate>, request: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, gate));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let mut length = 0;
        // Answers come in pieces; once one has begun, silence for a moment is its end.
        let mut patience = Duration::from_secs(30);
        while let Ok(Ok(more @ 1..)) = timeout(patience, stream.read(&mut answer[length..])).await {
            length += more;
            patience = Duration::from_secs(1);
        }
        serving.abort();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn plain_requests_are_passed_on_without_the_proxys_headers() {
        let origin = origin().await;
        let gate = gate(&origin.to_string());
        let request = format!(
            "GET http://{origin}/a?b=c HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: x\r\nProxy-Connection: keep-alive\r\nAccept: y\r\n\r\n"
        );
        let answer = ask(gate, &request).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(
            answer.contains("get /a?b=c http/1.1") && answer.contains("accept: y"),
            "{answer}"
        );
        assert!(answer.contains(&format!("host: {origin}")), "{answer}");
        assert!(!answer.contains("proxy-"), "{answer}");
    }

    #[tokio::test]
    async fn a_tunnel_carries_bytes_both_ways() {
        let origin = origin().await;
        let gate = gate(&origin.to_string());
        let request = format!("CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n\r\nGET / HTTP/1.0\r\n\r\n");
        let answer = ask(gate, &request).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("GET / HTTP/1.0\r\n\r\n"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn forbidden_addresses_are_refused_with_a_sentence() {
        let origin = origin().await;
        for target in [
            origin.to_string(),
            "localhost:80".into(),
            "[::1]:80".into(),
            "169.254.169.254:80".into(),
        ] {
            for request in [
                format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n"),
                format!("GET http://{target}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
            ] {
                let answer = ask(gate("open"), &request).await;
                assert!(answer.starts_with("HTTP/1.1 403"), "{request}{answer}");
                assert!(answer.contains("is not a public address"), "{answer}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_proxy_request_is_refused() {
        for request in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "\0\0\r\n\r\n",
        ] {
            let answer = ask(gate("open"), request).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{request:?}: {answer}");
        }
    }

    #[tokio::test]
    async fn names_off_the_lists_are_not_even_looked_up() {
        for (bound, domains, said) in [
            (
                "example.com",
                None,
                "other.invalid:443 is not on the list of what sandboxes of this engine may reach.",
            ),
            (
                "open",
                Some("example.com"),
                "other.invalid:443 is not on the list of what this sandbox may reach.",
            ),
            (
                "open",
                Some(""),
                "other.invalid:443 cannot be reached: this sandbox's network is switched off.",
            ),
        ] {
            let gate = gate(bound);
            gate.set(NetworkWish::parse(false, None, domains).unwrap());
            let answer = ask(gate, "CONNECT other.invalid:443 HTTP/1.1\r\nHost: x\r\n\r\n").await;
            assert!(
                answer.starts_with("HTTP/1.1 403") && answer.contains(said),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn a_domain_opens_what_it_leads_to_and_a_change_cuts_it() {
        let origin = origin().await;
        let gate = gate(&origin.to_string());
        gate.set(NetworkWish::parse(false, None, Some("localhost")).unwrap());
        let by_address = format!("CONNECT {origin} HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = ask(Arc::clone(&gate), &by_address).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, Arc::clone(&gate)));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let by_name = format!("CONNECT localhost:{} HTTP/1.1\r\nHost: x\r\n\r\n", origin.port());
        stream.write_all(by_name.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        gate.set(NetworkWish::nothing());
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the tunnel stays open");
        serving.abort();
    }
}
