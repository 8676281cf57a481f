//! The HTTP connections: TLS roots, proxies, and one client that never leaves
//! HTTP/1.1 for WebSockets.

use super::Error;
use http::HeaderMap;
use reqwest::{ClientBuilder, Url, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;
use std::time::Duration;

/// How long one connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The client for calls and the client for WebSockets.
pub(super) fn http_clients(
    api_url: &Url,
    headers: &HeaderMap,
) -> Result<(reqwest::Client, reqwest::Client), Error> {
    // Fails when a provider is installed already, which is as good.
    let _already_installed = ring::default_provider().install_default();
    let calls = build(api_url, || base(api_url, headers), &[b"h2", b"http/1.1"])?;
    let sockets = build(api_url, || base(api_url, headers).http1_only(), &[b"http/1.1"])?;
    Ok((calls, sockets))
}

fn base(api_url: &Url, headers: &HeaderMap) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("pitlane/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        // A redirected POST becomes a GET, and the key would travel with it.
        .redirect(redirect::Policy::none());
    if is_loopback(api_url) {
        builder.no_proxy()
    } else {
        builder
    }
}

fn build(
    api_url: &Url,
    builder: impl Fn() -> ClientBuilder,
    alpn: &[&[u8]],
) -> Result<reqwest::Client, Error> {
    // The engine on this machine speaks plain HTTP: reading the system's
    // certificates would only cost time there.
    if !is_loopback(api_url)
        && let Ok(client) = builder().build()
    {
        return Ok(client);
    }
    // A slim container has no certificates of its own; these come along.
    builder()
        .tls_backend_preconfigured(bundled_roots(alpn)?)
        .build()
        .map_err(|error| Error::Config(format!("The HTTP client could not be set up: {error}.")))
}

fn bundled_roots(alpn: &[&[u8]]) -> Result<ClientConfig, Error> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS could not be set up: {error}.")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_about_with_either_set_of_certificates() {
        for url in [
            "https://app.daytona.io/api",
            "http://127.0.0.1:3986/api",
            "https://[::1]:1/api",
        ] {
            let url = Url::parse(url).expect("an address");
            http_clients(&url, &HeaderMap::new()).expect("two clients");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |url: &str| is_loopback(&Url::parse(url).expect("an address"));
        assert!(
            loopback("http://127.0.0.1:1/") && loopback("http://[::1]/") && loopback("http://localhost/api")
        );
        assert!(!loopback("http://127.0.0.1.example.com/") && !loopback("https://app.daytona.io/api"));
    }
}
