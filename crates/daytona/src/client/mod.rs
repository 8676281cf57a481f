//! The asynchronous client.
//!
//! Every call can be cancelled by dropping its future. What is repeated, and
//! what never is, stands in `retry.rs`.

mod access;
mod api_keys;
mod build_logs;
mod call;
mod config;
mod error;
mod events;
mod organizations;
mod power;
mod refusal;
mod registries;
mod retry;
mod sandboxes;
mod secrets;
mod service;
mod settings;
mod signing;
mod snapshots;
mod telemetry;
mod tls;
mod toolbox;
mod transport;
mod volumes;
mod waiting;
mod warm_pools;

pub use build_logs::BuildLogs;
pub use config::{Config, DEFAULT_API_URL};
pub use error::{Error, Refusal};
pub use events::{Event, Events};
pub use telemetry::TelemetryQuery;
pub use toolbox::{
    CodeRun, CodeRunOutcome, FileDownload, LogFollow, LogPiece, Pty, PtyInput, PtyOutput, SessionEnd, Toolbox,
};

use call::Call;
use http::{HeaderMap, HeaderValue, Method};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The SDK version we speak as; from 0.167.0 on, the toolbox answers logs as
/// JSON with the streams apart.
const SDK_VERSION: &str = "0.226.1";
/// What we are called in the provider's statistics.
const SOURCE: &str = "pitlane";

/// A provider's control plane. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    api_url: Url,
    target: Option<String>,
    organization_id: Option<String>,
    /// Also part of every call's headers; events want it in a message.
    api_key: SecretString,
    events: Arc<events::Hub>,
    calls: reqwest::Client,
    /// HTTP/1.1 alone, because WebSockets start as an upgrade of it.
    sockets: reqwest::Client,
}

impl Client {
    /// Prepares connections to a provider. Nothing is sent.
    ///
    /// # Errors
    /// A sentence, when the address or the key cannot be used.
    pub fn new(config: Config) -> Result<Self, Error> {
        let api_url = parse_base(&config.api_url)?;
        let headers = headers(config.api_key.expose_secret(), config.organization_id.as_deref())?;
        let (calls, sockets) = tls::http_clients(&api_url, &headers)?;
        Ok(Self {
            inner: Arc::new(Inner {
                api_url,
                target: config.target,
                organization_id: config.organization_id,
                api_key: config.api_key,
                events: Arc::default(),
                calls,
                sockets,
            }),
        })
    }

    /// The base of the control plane.
    #[must_use]
    pub fn api_url(&self) -> &str {
        self.inner.api_url.as_str()
    }

    /// A call to the control plane.
    fn call(&self, method: Method, segments: &[&str]) -> Result<Call, Error> {
        Call::new(method, &self.inner.api_url, segments)
    }
}

fn parse_base(address: &str) -> Result<Url, Error> {
    let url = Url::parse(address.trim()).map_err(|error| {
        Error::Config(format!(
            "The API address {address:?} cannot be read: {error}. It should be like {DEFAULT_API_URL}."
        ))
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(Error::Config(format!(
            "The API address {address:?} is not an HTTP address. It should be like {DEFAULT_API_URL}."
        )));
    }
    Ok(url)
}

/// The headers that the control plane and the toolbox get alike.
fn headers(api_key: &str, organization: Option<&str>) -> Result<HeaderMap, Error> {
    let mut authorization = HeaderValue::try_from(format!("Bearer {api_key}")).map_err(|_| {
        Error::Config("The API key holds characters that cannot be sent. Copy it again.".to_owned())
    })?;
    authorization.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([
        (http::header::AUTHORIZATION, authorization),
        (
            http::HeaderName::from_static("x-daytona-source"),
            HeaderValue::from_static(SOURCE),
        ),
        (
            http::HeaderName::from_static("x-daytona-sdk-version"),
            HeaderValue::from_static(SDK_VERSION),
        ),
    ]);
    if let Some(organization) = organization {
        let value = HeaderValue::try_from(organization).map_err(|_| {
            Error::Config("The organization's id holds characters that cannot be sent.".to_owned())
        })?;
        headers.insert("x-daytona-organization-id", value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_settings_are_refused_in_sentences() {
        let with_url = |api_url: &str| {
            Client::new(Config {
                api_url: api_url.to_owned(),
                ..Config::new("key")
            })
        };
        for url in ["", "app.daytona.io/api", "ftp://host/api", "http://"] {
            let error = with_url(url).expect_err(url).to_string();
            assert!(
                error.starts_with("The API address") && error.ends_with('.'),
                "{error}"
            );
        }
        let error = Client::new(Config::new("two\nlines"))
            .expect_err("a line break")
            .to_string();
        assert!(error.contains("API key") && !error.contains("two"), "{error}");
    }

    #[test]
    fn debug_hides_the_key() {
        let config = Config {
            api_url: "http://127.0.0.1:1/api".to_owned(),
            ..Config::new("dtn_very_secret")
        };
        let client = Client::new(config).expect("a client");
        assert!(!format!("{client:?}").contains("very_secret"), "{client:?}");
    }
}
