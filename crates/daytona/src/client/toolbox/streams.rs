//! One file up or down, piece by piece, and addresses that do it without a key.

use super::Toolbox;
use crate::client::signing::{SignedUse, sign};
use crate::client::transport::network_error;
use crate::client::{Error, call::Call};
use bytes::Bytes;
use futures::{Stream, TryStream};
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::Response;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long nothing may arrive before a download counts as broken.
const SILENCE: Duration = Duration::from_secs(60);
/// How long an upload may take, as in the official SDKs.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(1800);

/// A file's content as it comes. Dropping it ends the transfer.
#[derive(Debug)]
pub struct FileDownload {
    call: Call,
    response: Response,
    /// Bytes that are still to come, when the server said how many there are.
    left: Option<u64>,
}

impl FileDownload {
    /// How many bytes are still to come, when the server said it.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// When the connection breaks, or ends before the file does.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = tokio::time::timeout(SILENCE, self.response.chunk())
            .await
            .map_err(|_| Error::TimedOut {
                call: self.call.label.clone(),
                after: SILENCE,
            })?
            .map_err(|error| network_error(&self.call, &error))?;
        match (&piece, &mut self.left) {
            (Some(bytes), Some(left)) => *left = left.saturating_sub(bytes.len() as u64),
            (None, Some(left)) if *left > 0 => {
                return Err(Error::Interrupted {
                    call: self.call.label.clone(),
                    reason: format!("{left} bytes of the file did not come"),
                });
            }
            _ => {}
        }
        Ok(piece)
    }

    /// The same as a stream, for functions that take one.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        futures::stream::try_unfold(self, |mut download| async move {
            Ok(download.next().await?.map(|piece| (piece, download)))
        })
    }
}

impl Toolbox {
    /// A file's content, from a byte on, without holding it in memory.
    ///
    /// # Errors
    /// 404 when there is none, 416 when it is not that long.
    ///
    /// # Panics
    /// Never: a number makes a header.
    pub async fn download_stream(&self, path: &str, from: u64) -> Result<FileDownload, Error> {
        let mut call = self
            .call(Method::GET, &["files", "download"])?
            .query("path", path)
            .accept("application/octet-stream");
        if from > 0 {
            let range = HeaderValue::try_from(format!("bytes={from}-")).expect("a number makes a header");
            call = call.header(header::RANGE, range);
        }
        let response = self.client.stream(&call).await?;
        if from > 0 && response.status() != http::StatusCode::PARTIAL_CONTENT {
            return Err(Error::Malformed {
                call: call.label,
                reason: "the whole file came where its end was asked for".to_owned(),
            });
        }
        let left = length(response.headers());
        Ok(FileDownload { call, response, left })
    }

    /// Writes one file from a stream, without holding it in memory. Missing
    /// directories are made. Sent once: what was written until it broke off
    /// stays.
    ///
    /// # Errors
    /// As of [`Toolbox::upload`], and what the stream fails with.
    pub async fn upload_stream<S>(&self, path: &str, content: S) -> Result<(), Error>
    where
        S: TryStream + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        Bytes: From<S::Ok>,
    {
        let call = self
            .call(Method::POST, &["files", "upload-v2"])?
            .query("path", path)
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            )
            .timeout(Some(UPLOAD_TIMEOUT));
        let body = reqwest::Body::wrap_stream(content);
        self.client.send_body(&call, body).await.map(drop)
    }

    /// An address at which anyone can download a file, without a key, until
    /// `valid_for` is over; for ever when not given, or until the key changes.
    ///
    /// `key` is of [`crate::Client::signing_key`]; nothing is sent.
    ///
    /// # Errors
    /// Never for an address that this toolbox was made with.
    pub fn download_url(&self, key: &str, path: &str, valid_for: Option<Duration>) -> Result<String, Error> {
        self.signed_url(key, SignedUse::Download, path, valid_for)
    }

    /// An address that anyone can POST a file to, as the part `file` of a form
    /// or as the raw body; as [`Toolbox::download_url`].
    ///
    /// # Errors
    /// Never for an address that this toolbox was made with.
    pub fn upload_url(&self, key: &str, path: &str, valid_for: Option<Duration>) -> Result<String, Error> {
        self.signed_url(key, SignedUse::Upload, path, valid_for)
    }

    fn signed_url(
        &self,
        key: &str,
        wanted: SignedUse,
        path: &str,
        valid_for: Option<Duration>,
    ) -> Result<String, Error> {
        let expires = valid_for.map_or(0, |time| {
            let end = SystemTime::now() + time;
            end.duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
        });
        let below: Vec<&str> = wanted.path().split('/').filter(|part| !part.is_empty()).collect();
        let call = self
            .call(Method::GET, &below)?
            .query("path", path)
            .query("expires", &expires.to_string())
            .query("signature", &sign(key, wanted, path, expires));
        Ok(call.url().to_string())
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
