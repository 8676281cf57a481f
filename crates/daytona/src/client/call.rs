//! One call before it is sent: where, what, and how long it may take.

use super::Error;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{RequestBuilder, Url, multipart};
use serde::Serialize;
use std::time::Duration;

/// How long a call may take when nothing else is said; the provider holds a
/// create or start for up to 30 s.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer when nothing else is said.
const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

/// What a call carries.
#[derive(Clone, Debug)]
enum Payload {
    None,
    Json(Bytes),
    /// Files for `bulk-upload`: path and content.
    Files(Vec<(String, Bytes)>),
}

/// A call before it is sent. It can be sent more than once.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    url: Url,
    /// Method and path, for messages.
    pub(super) label: String,
    payload: Payload,
    accept: &'static str,
    headers: HeaderMap,
    /// The longest the call may take, repeats included.
    pub(super) timeout: Option<Duration>,
    /// The largest answer, in bytes.
    pub(super) limit: usize,
}

impl Call {
    /// A call to the path made of `segments` under `base`.
    ///
    /// # Errors
    /// When a segment cannot stand in a path: `DELETE /sandbox/` with an empty
    /// id would be another call.
    pub(super) fn new(method: Method, base: &Url, segments: &[&str]) -> Result<Self, Error> {
        let path = segments.join("/");
        let label = format!("{method} /{path}");
        let mut url = base.clone();
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(Error::Config(format!(
                "{label} has an empty or dotted part in its path."
            )));
        }
        url.path_segments_mut()
            .map_err(|()| Error::Config(format!("The address {base} cannot have paths.")))?
            .pop_if_empty()
            .extend(segments);
        Ok(Self {
            method,
            url,
            label,
            payload: Payload::None,
            accept: "application/json",
            headers: HeaderMap::new(),
            timeout: Some(DEFAULT_TIMEOUT),
            limit: DEFAULT_LIMIT,
        })
    }

    /// A call to an address that the provider gave.
    ///
    /// # Errors
    /// When it is no HTTP address.
    pub(super) fn at(method: Method, address: &str) -> Result<Self, Error> {
        let url = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = url else {
            return Err(Error::Malformed {
                call: method.to_string(),
                reason: format!("the provider gave {address:?} as an address"),
            });
        };
        let label = format!("{method} {}", url.path());
        Ok(Self {
            method,
            url,
            label,
            payload: Payload::None,
            accept: "*/*",
            headers: HeaderMap::new(),
            timeout: Some(DEFAULT_TIMEOUT),
            limit: DEFAULT_LIMIT,
        })
    }

    /// With a slash at the end of its path.
    pub(super) fn folder(mut self) -> Self {
        let path = format!("{}/", self.url.path().trim_end_matches('/'));
        self.url.set_path(&path);
        self
    }

    /// Where it goes.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Sets the JSON body.
    pub(super) fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let json = serde_json::to_vec(body)
            .map_err(|error| Error::Config(format!("{} cannot be written as JSON: {error}.", self.label)))?;
        self.payload = Payload::Json(json.into());
        Ok(self)
    }

    /// Sets the body to a `bulk-upload` of these files.
    pub(super) fn files(mut self, files: Vec<(String, Bytes)>) -> Self {
        self.payload = Payload::Files(files);
        self
    }

    pub(super) fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// With another header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(super) fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// The request, made anew for each attempt.
    pub(super) fn request(&self, http: &reqwest::Client) -> RequestBuilder {
        let request = http
            .request(self.method.clone(), self.url.clone())
            .header(http::header::ACCEPT, self.accept)
            .headers(self.headers.clone());
        match &self.payload {
            Payload::None => request,
            Payload::Json(json) => request
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(json.clone()),
            Payload::Files(files) => request.multipart(form(files)),
        }
    }
}

/// The form of `bulk-upload`: for each file its path, then its content. The
/// contents are shared, not copied, and leave as they are read.
fn form(files: &[(String, Bytes)]) -> multipart::Form {
    // Names and file names are ours and plain; encoding would change the brackets.
    let mut form = multipart::Form::new().percent_encode_noop();
    for (index, (path, content)) in files.iter().enumerate() {
        let length = content.len() as u64;
        let part = multipart::Part::stream_with_length(content.clone(), length).file_name("file");
        form = form
            .text(format!("files[{index}].path"), path.clone())
            .part(format!("files[{index}].file"), part);
    }
    form
}
