//! Sends calls, reads their answers with a bound, and repeats them where the
//! rules of [`super::retry`] allow.

use super::retry::{Failure, pause};
use super::{Client, Error, Refusal, call::Call, refusal::read_refusal};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::Response;
use serde::de::DeserializeOwned;
use std::time::Instant;

/// The most of an error's body that is read.
const ERROR_LIMIT: usize = 256 * 1024;

/// A successful answer, read to its end.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    /// Sends a call and reads its answer as JSON.
    pub(super) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let reply = self.exchange(&call).await?;
        serde_json::from_slice(&reply.body).map_err(|error| Error::Malformed {
            call: call.label,
            reason: error.to_string(),
        })
    }

    /// Sends a call whose answer has no content that matters.
    pub(super) async fn perform(&self, call: Call) -> Result<(), Error> {
        self.exchange(&call).await.map(drop)
    }

    /// Sends a call and reads its whole answer.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Reply, Error> {
        let attempt = || async {
            let response = send(call, &self.inner.calls, None).await?;
            let headers = response.headers().clone();
            let body = read_body(call, response, call.limit).await?;
            Ok(Reply { headers, body })
        };
        let result = within(call, repeat(call, attempt)).await;
        match result {
            // Only a repeated DELETE ends so: the first one deleted, and its answer was lost.
            Err(Repeated { error, unsure: true })
                if call.method == Method::DELETE && error.is_not_found() =>
            {
                Ok(Reply::default())
            }
            Err(Repeated { error, .. }) => Err(error),
            Ok(reply) => Ok(reply),
        }
    }

    /// Sends a call whose answer is read piece by piece. The call's time is that
    /// until the answer begins.
    pub(super) async fn stream(&self, call: &Call) -> Result<Response, Error> {
        let attempt = || send(call, &self.inner.calls, None);
        within(call, repeat(call, attempt))
            .await
            .map_err(|repeated| repeated.error)
    }

    /// Sends a call once, with a body that can be read once.
    pub(super) async fn send_body(&self, call: &Call, body: reqwest::Body) -> Result<Reply, Error> {
        let work = async {
            let request = call.request(&self.inner.calls).body(body);
            let response = answered(call, request, None).await?;
            let headers = response.headers().clone();
            let body = read_body(call, response, call.limit).await?;
            Ok(Reply { headers, body })
        };
        let work = async { work.await.map_err(|error| Repeated { error, unsure: true }) };
        within(call, work).await.map_err(|repeated| repeated.error)
    }

    /// Sends an upgrade request; the answer is the provider's 101.
    pub(super) async fn upgrade(&self, call: &Call, headers: &HeaderMap) -> Result<Response, Error> {
        let attempt = || send(call, &self.inner.sockets, Some(headers));
        within(call, repeat(call, attempt))
            .await
            .map_err(|repeated| repeated.error)
    }
}

/// A call's last error, and whether an earlier attempt may have been executed.
struct Repeated {
    error: Error,
    unsure: bool,
}

async fn within<T>(call: &Call, work: impl Future<Output = Result<T, Repeated>>) -> Result<T, Repeated> {
    let Some(limit) = call.timeout else {
        return work.await;
    };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let error = Error::TimedOut {
            call: call.label.clone(),
            after: limit,
        };
        Err(Repeated { error, unsure: true })
    })
}

async fn repeat<T, Attempt>(call: &Call, attempt: impl Fn() -> Attempt) -> Result<T, Repeated>
where
    Attempt: Future<Output = Result<T, Error>>,
{
    let started = Instant::now();
    let mut unsure = false;
    let mut failures = 0;
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let wait =
            failure_of(&error).and_then(|failure| pause(&call.method, failure, failures, started.elapsed()));
        let Some(wait) = wait else {
            return Err(Repeated { error, unsure });
        };
        tracing::debug!(call = call.label, %error, ?wait, "sending a call again");
        unsure |= error.may_have_executed();
        failures += 1;
        tokio::time::sleep(wait).await;
    }
}

fn failure_of(error: &Error) -> Option<Failure<'_>> {
    match error {
        Error::Unreachable { .. } => Some(Failure::NotConnected),
        Error::Interrupted { .. } => Some(Failure::Broken),
        Error::Refused(refusal) => Some(Failure::Answered {
            status: refusal.status,
            message: &refusal.message,
            retry_after: refusal.retry_after,
        }),
        _ => None,
    }
}

async fn send(call: &Call, http: &reqwest::Client, upgrade: Option<&HeaderMap>) -> Result<Response, Error> {
    answered(call, call.request(http), upgrade).await
}

async fn answered(
    call: &Call,
    mut request: reqwest::RequestBuilder,
    upgrade: Option<&HeaderMap>,
) -> Result<Response, Error> {
    if let Some(headers) = upgrade {
        request = request.headers(headers.clone());
    }
    let response = request
        .send()
        .await
        .map_err(|error| network_error(call, &error))?;
    let status = response.status();
    let expected = match upgrade {
        Some(_) => status == StatusCode::SWITCHING_PROTOCOLS,
        None => status.is_success(),
    };
    if expected {
        return Ok(response);
    }
    let headers = response.headers().clone();
    // What went wrong is known by the status; a body that breaks off adds nothing.
    let body = read_body(call, response, ERROR_LIMIT).await.unwrap_or_default();
    let refusal: Refusal = read_refusal(&call.label, status, &headers, &body);
    Err(Error::Refused(Box::new(refusal)))
}

async fn read_body(call: &Call, mut response: Response, limit: usize) -> Result<Bytes, Error> {
    let too_large = || Error::TooLarge {
        call: call.label.clone(),
        limit,
    };
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| network_error(call, &error))?
    {
        if whole.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len() > limit {
            return Err(too_large());
        }
        match first.take() {
            // Most answers are one chunk, which needs no copy.
            None if whole.is_empty() => first = Some(chunk),
            None => whole.extend_from_slice(&chunk),
            Some(head) => {
                whole.reserve(announced.unwrap_or(head.len() + chunk.len()));
                whole.extend_from_slice(&head);
                whole.extend_from_slice(&chunk);
            }
        }
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

/// Puts a failure of the connection into our terms. The address is left out:
/// a query may hold what is nobody's business.
pub(super) fn network_error(call: &Call, error: &reqwest::Error) -> Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let call = call.label.clone();
    let reason = cause.to_string();
    if error.is_builder() {
        Error::Config(format!("{call} cannot be sent: {reason}."))
    } else if error.is_connect() {
        Error::Unreachable { call, reason }
    } else {
        Error::Interrupted { call, reason }
    }
}
