//! One call through the proxy.

use super::{
    Shared,
    fault::{Fault, Moment, SocketFault},
    plan, socket,
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING, UPGRADE},
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use std::{io, sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// What a client is answered; a body that fails breaks the connection.
pub(super) type Answer = Response<BoxBody<Bytes, io::Error>>;

/// An answer of the provider, whole.
type Whole = Response<Bytes>;

/// How many pieces a slow answer comes in.
const PIECES: usize = 10;

/// Answers a call; an error breaks the connection without an answer.
pub(super) async fn answer(shared: Arc<Shared>, mut request: Request<Incoming>) -> io::Result<Answer> {
    shared.audible().await;
    let call = format!("{} {}", request.method(), request.uri().path());
    let kind = plan::kind(request.method().as_str(), request.uri().path());
    if request.headers().contains_key(UPGRADE) {
        let fault = shared.socket_fault(&kind);
        let client = hyper::upgrade::on(&mut request);
        return upgrade(shared, request, client, &call, fault).await;
    }
    let fault = shared.call_fault(&call, &kind);
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    shared.note(&call);
    shared.held(&call, Moment::Before).await?;
    match fault {
        Some(Fault::Refused { status, retry_after }) => return refusal(status, retry_after),
        Some(Fault::CutBefore) => return Err(cut()),
        Some(Fault::Late(by)) => tokio::time::sleep(by).await,
        _ => {}
    }
    // On a task of its own: what the provider has been asked for it does, whether or not the client stays.
    let (forwarding, twice) = (Arc::clone(&shared), fault == Some(Fault::Twice));
    let request = Request::from_parts(parts, body);
    let forwarded = tokio::spawn(async move {
        let again = twice.then(|| request.clone());
        let first = forward(&forwarding, request).await;
        if let Some(again) = again {
            let _ = forward(&forwarding, again).await;
        }
        first
    });
    let whole = forwarded.await.map_err(io::Error::other)??;
    shared.held(&call, Moment::After).await?;
    shared.audible().await;
    match fault {
        Some(Fault::CutAfter) => Err(cut()),
        Some(Fault::GatewayAfter(status)) => refusal(status, None),
        Some(Fault::HalfAnswer) => {
            let half = whole.body().slice(..whole.body().len() / 2);
            let broken = [Ok(Frame::data(half)), Err(cut())];
            Ok(with_length(whole).map(|_| BoxBody::new(StreamBody::new(stream::iter(broken)))))
        }
        Some(Fault::Slow) => {
            let mut rest = whole.body().clone();
            let size = rest.len().div_ceil(PIECES).max(1);
            let pieces =
                std::iter::from_fn(move || (!rest.is_empty()).then(|| rest.split_to(size.min(rest.len()))));
            let slow = stream::iter(pieces).then(|piece| async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(Frame::data(piece))
            });
            Ok(with_length(whole).map(|_| BoxBody::new(StreamBody::new(slow))))
        }
        _ => Ok(with_length(whole).map(full)),
    }
}

/// Sends a request to the provider and reads the whole answer.
async fn forward(shared: &Shared, request: Request<Bytes>) -> io::Result<Whole> {
    let creates = request.method() == "POST" && request.uri().path() == "/api/sandbox";
    let deletes = request.method() == "DELETE" && request.uri().path().starts_with("/api/sandbox/");
    let response = send(shared, request.map(full)).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if parts.status.is_success() && (creates || deletes) {
        shared.sandbox(creates);
    }
    Ok(Response::from_parts(parts, body))
}

async fn send(
    shared: &Shared,
    request: Request<BoxBody<Bytes, io::Error>>,
) -> io::Result<Response<Incoming>> {
    let stream = TcpStream::connect(shared.upstream()).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(io::Error::other)
}

async fn upgrade(
    shared: Arc<Shared>,
    mut request: Request<Incoming>,
    client: OnUpgrade,
    call: &str,
    fault: Option<SocketFault>,
) -> io::Result<Answer> {
    if shared.speaks_plainly() {
        // As Daytona would: it knows neither the header nor the query.
        request.headers_mut().remove("x-pitlane-log");
        *request.uri_mut() = format!("{}?follow=true", request.uri().path())
            .parse()
            .map_err(io::Error::other)?;
    }
    shared.note(call);
    shared.held(call, Moment::Before).await?;
    let request = request.map(|_| full(Bytes::new()));
    let mut response = send(&shared, request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response.map(|body| BoxBody::new(body.map_err(io::Error::other))));
    }
    let provider = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        if let (Ok(client), Ok(provider)) = tokio::join!(client, provider) {
            socket::splice(&shared, TokioIo::new(client), TokioIo::new(provider), fault).await;
        }
    });
    Ok(response.map(|_| full(Bytes::new())))
}

fn full(bytes: Bytes) -> BoxBody<Bytes, io::Error> {
    BoxBody::new(Full::new(bytes).map_err(|never| match never {}))
}

/// The answer with its length announced, so that a part of it is seen to be a part.
fn with_length(mut whole: Whole) -> Whole {
    let length = whole.body().len();
    let bodiless = whole.status() == StatusCode::NO_CONTENT || whole.status() == StatusCode::NOT_MODIFIED;
    whole.headers_mut().remove(TRANSFER_ENCODING);
    if !bodiless {
        whole
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    whole
}

/// An answer in Daytona's envelope.
fn refusal(status: u16, retry_after: Option<u64>) -> io::Result<Answer> {
    let body = format!(r#"{{"statusCode":{status},"message":"The network was told to fail"}}"#);
    let mut answer = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json");
    if let Some(seconds) = retry_after {
        answer = answer.header(RETRY_AFTER, seconds);
    }
    answer.body(full(Bytes::from(body))).map_err(io::Error::other)
}

pub(super) fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the network was told to break here",
    )
}
