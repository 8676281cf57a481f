//! Sends one message once, and reads as much of the answer as the log shows.

use super::{
    answer::{Outcome, retry_after},
    reach::{OutOfReach, Reach, check_url},
    signature::sign,
};
use model::{Attempt, Millis, time::duration_words};
use reqwest::{Client, Response, redirect};
use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long the first bytes of the answer may take after its status.
const BODY_PATIENCE: Duration = Duration::from_secs(2);
/// How much of an answer is read and shown, in bytes.
const SHOWN: usize = 1024;

/// Sends messages.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    reach: Reach,
    patience: Duration,
}

/// A message, and the secrets it is signed with.
#[derive(Debug)]
pub struct Letter<'l> {
    /// Where it goes.
    pub url: &'l str,
    /// Its id.
    pub message: &'l str,
    /// What it says.
    pub body: String,
    /// The secrets of the address, the newest first.
    pub secrets: Vec<String>,
}

impl Sender {
    /// One that connects to what is in reach, follows no redirect, uses no proxy, and waits so long for an
    /// answer.
    ///
    /// # Errors
    /// A sentence, when TLS cannot be set up.
    pub fn new(reach: &Reach, patience: Duration) -> Result<Self, String> {
        let client = |roots: bool| {
            let builder = Client::builder()
                .user_agent(concat!("pitlane/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(reach.clone()))
                .redirect(redirect::Policy::none())
                .no_proxy()
                // A connection that is kept was checked when it was made; none is kept, so each is now.
                .pool_max_idle_per_host(0)
                .connect_timeout(patience)
                .timeout(patience + BODY_PATIENCE);
            match roots {
                true => builder.tls_backend_preconfigured(bundled_roots()?),
                false => builder,
            }
            .build()
            .map_err(|error| format!("The HTTP client of webhooks could not be set up: {error}."))
        };
        let client = client(false).or_else(|_| client(true))?;
        let reach = reach.clone();
        Ok(Self {
            client,
            reach,
            patience,
        })
    }

    /// Sends it, and says what came of it.
    pub async fn send(&self, letter: Letter<'_>) -> Outcome {
        let (at, began) = (Millis::now(), Instant::now());
        let answered = tokio::time::timeout(self.patience, self.request(letter, at)).await;
        let (status, words, asked) = match answered {
            Err(_) => {
                let patience = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
                let words = format!("No answer within {}.", duration_words(patience));
                (None, words, None)
            }
            Ok(Err(words)) => (None, words, None),
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let asked = retry_after(response.headers(), Millis::now());
                (Some(status), shown(response).await, asked)
            }
        };
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Outcome {
            attempt: Attempt {
                at,
                took,
                status,
                words,
            },
            asked,
        }
    }

    async fn request(&self, letter: Letter<'_>, at: Millis) -> Result<Response, String> {
        let url = check_url(letter.url, &self.reach).map_err(|error| error.0)?;
        let timestamp = at.0 / 1000;
        let signatures: Vec<_> = letter
            .secrets
            .iter()
            .filter_map(|secret| sign(secret, letter.message, timestamp, letter.body.as_bytes()))
            .collect();
        if signatures.is_empty() {
            return Err("The secret of this webhook cannot be read. Rotate it.".to_owned());
        }
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", letter.message)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(letter.body);
        request.send().await.map_err(|error| in_words(&error))
    }
}

/// Why there was no answer.
fn in_words(error: &reqwest::Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        next = cause.source();
        if let Some(out) = cause.downcast_ref::<OutOfReach>() {
            return format!("{out}.");
        }
        last = cause.to_string();
    }
    let what = if error.is_connect() {
        "No connection came about"
    } else if error.is_timeout() {
        "No answer in time"
    } else {
        "The answer could not be read"
    };
    format!("{what}: {}.", last.trim_end_matches('.'))
}

/// The first bytes of an answer, as text.
async fn shown(mut response: Response) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < SHOWN {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(SHOWN - bytes.len())]),
                Ok(None) | Err(_) => return,
            }
        }
    };
    // What came in time is what is shown; the connection ends with the response.
    let _ = tokio::time::timeout(BODY_PATIENCE, read).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn bundled_roots() -> Result<rustls::ClientConfig, String> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS could not be set up: {error}."))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
