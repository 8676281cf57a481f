//! How traces go out: by the HTTP client that everything else here uses. The
//! exporter has a thread of its own without a runtime, so requests are made on
//! the server's.

use crate::failure::Failure;
use async_trait::async_trait;
use bytes::BytesMut;
use opentelemetry_http::{Bytes, HttpClient as Sends, HttpError, Request, Response};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a request may take when no variable says.
const WITHIN: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: a few words on spans that were refused.
const LONGEST: usize = 64 << 10;

/// The client.
#[derive(Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    runtime: Handle,
}

impl HttpClient {
    /// One that works in the present runtime.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new() -> Result<Self, Failure> {
        let milliseconds = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"]
            .iter()
            .find_map(|name| std::env::var(name).ok()?.trim().parse().ok());
        let client = reqwest::Client::builder()
            .timeout(milliseconds.map_or(WITHIN, Duration::from_millis))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::new(format!("Traces cannot be sent: {error}.")))?;
        Ok(Self {
            client,
            runtime: Handle::current(),
        })
    }
}

#[async_trait]
impl Sends for HttpClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = self
            .client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body);
        let answered = self.runtime.spawn(async move {
            let mut answer = request.send().await?;
            let mut body = BytesMut::new();
            while let Some(piece) = answer.chunk().await? {
                body.extend_from_slice(&piece);
                if body.len() > LONGEST {
                    return Err("the collector\u{2019}s answer is too long".into());
                }
            }
            let mut response = Response::new(body.freeze());
            *response.status_mut() = answer.status();
            std::mem::swap(response.headers_mut(), answer.headers_mut());
            Ok::<_, HttpError>(response)
        });
        answered.await?
    }
}
