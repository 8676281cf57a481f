//! The way from an HTTP client outside to a program that listens inside a
//! sandbox.
//!
//! Every request gets a connection of its own, opened inside by pid 1. Bodies
//! are passed on piece by piece in both directions; when one side goes away,
//! the other learns it. Nothing that opens this engine is ever passed on to the
//! program (see [`credentials`]).

pub(crate) mod credentials;
mod headers;
mod passage;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, Version, header};
use axum::response::Response;
use hyper_util::rt::TokioIo;

use crate::auth;
use crate::fault::{Fault, Foreign};
use crate::registry::{Entry, Live, counts_as_use};
use crate::sandbox::ConnectError;
use crate::state::SharedEngine;
use passage::Passage;

/// By which address a program was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As a part of the toolbox's path, on the engine's own host.
    Path,
    /// By a host name of its own.
    Host,
}

/// What a request is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) engine: &'a SharedEngine,
    pub(crate) entry: &'a Entry,
    pub(crate) live: &'a Arc<Live>,
    pub(crate) port: u16,
    /// As the program is asked for it, without the query.
    pub(crate) path: &'a str,
    pub(crate) way: Way,
}

/// A port as it is written in addresses.
pub(crate) fn port(text: &str) -> Result<u16, Fault> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port > 0)
        .ok_or_else(|| Fault::bad_request("A port is a number from 1 to 65535."))
}

/// Has the program answer the request.
pub(crate) async fn forward(to: Destination<'_>, request: Request) -> Result<Response, Fault> {
    let (live, port) = (to.live, to.port);
    if live.sandbox.own_port() == Some(port) {
        return Err(refused(&ConnectError::Refused(port)));
    }
    let stream = live
        .sandbox
        .connect(port)
        .await
        .map_err(|error| refused(&error))?;
    let unreadable = |error: hyper::Error| {
        Fault::new(
            StatusCode::BAD_GATEWAY,
            format!("The program on port {port} in the sandbox did not answer in HTTP: {error}."),
        )
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(unreadable)?;
    let passage = Passage::new(live, counts_as_use(request.headers()));
    passage.drive(connection.with_upgrades());

    let (outgoing, switch) = outgoing(to, request)?;
    let mut answer = sender.send_request(outgoing).await.map_err(unreadable)?;
    let switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    let inner = switched.then(|| hyper::upgrade::on(&mut answer));
    let (mut parts, body) = answer.into_parts();
    headers::clean(&mut parts.headers, switched);
    if to.way == Way::Path {
        headers::disarm(&mut parts.headers);
    }
    parts.extensions.insert(Foreign);
    let body = match (inner, switch) {
        (Some(inner), Some(outer)) => {
            passage.join(outer, inner);
            Body::empty()
        }
        (Some(_), None) => {
            return Err(Fault::new(
                StatusCode::BAD_GATEWAY,
                format!("The program on port {port} in the sandbox changed the protocol unasked."),
            ));
        }
        (None, _) => passage.hold(body),
    };
    Ok(Response::from_parts(parts, body))
}

/// The request as the program gets it, and the client's connection when the
/// request is to take it over.
fn outgoing(
    to: Destination<'_>,
    mut request: Request,
) -> Result<(http::Request<Body>, Option<hyper::upgrade::OnUpgrade>), Fault> {
    let upgrade = headers::upgrade(request.headers());
    let switch = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    let query = credentials::strip_query(parts.uri.query());
    let target = match query {
        Some(query) => format!("{}?{query}", to.path),
        None => to.path.to_owned(),
    };
    let target = PathAndQuery::try_from(target)
        .map_err(|_| Fault::bad_request("The address of the request cannot be passed on."))?;
    if let Some(host) = parts.uri.authority()
        && !parts.headers.contains_key(header::HOST)
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
    headers::forwarded(&mut parts, to.way);
    headers::clean(&mut parts.headers, false);
    credentials::strip(&mut parts.headers, |token| {
        auth::opens(to.engine, to.entry, token)
    });
    if to.way == Way::Path {
        let host = format!("localhost:{}", to.port);
        let host = HeaderValue::try_from(host).expect("a name and a number make a header");
        parts.headers.insert(header::HOST, host);
    }
    if let Some(upgrade) = upgrade {
        parts.headers.insert(header::UPGRADE, upgrade);
        parts
            .headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    parts.uri = Uri::from(target);
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    Ok((http::Request::from_parts(parts, body), switch))
}

fn refused(error: &ConnectError) -> Fault {
    let (status, advice) = match error {
        ConnectError::Refused(_) => (
            StatusCode::BAD_GATEWAY,
            " Start a program there that listens on 0.0.0.0 or 127.0.0.1.",
        ),
        ConnectError::Busy(_) | ConnectError::Sandbox(_) => (StatusCode::BAD_GATEWAY, ""),
        ConnectError::NoPorts => (StatusCode::BAD_REQUEST, ""),
    };
    let mut sentence = error.to_string();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let stop = if sentence.ends_with('.') { "" } else { "." };
    Fault::new(status, format!("{sentence}{stop}{advice}")).by_proxy()
}
