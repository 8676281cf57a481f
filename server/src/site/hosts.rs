//! The names the site answers to, and where requests may come from.
//!
//! A page of another site can make a browser send requests here, or give its
//! own name our address for a moment. So every request must name this site in
//! `Host`, and one that changes something must come from this site's pages.

use super::{Site, credential, guard::is_api, refusal::Refusal};
use crate::configuration::PublicUrl;
use app::ErrorCode;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use std::net::IpAddr;

/// The names the site answers to.
#[derive(Debug)]
pub struct Hosts {
    public: Option<PublicUrl>,
}

impl Hosts {
    /// The public address, `localhost`, and addresses that are numbers:
    /// no stranger's name can be one of these.
    pub fn new(public: Option<PublicUrl>) -> Self {
        Self { public }
    }

    /// Whether cookies are to be kept to TLS.
    pub fn is_https(&self) -> bool {
        self.public.as_ref().is_some_and(|url| url.is_https)
    }

    /// Whether requests come through a proxy that says for whom.
    pub fn is_behind_proxy(&self) -> bool {
        self.public.is_some()
    }

    fn includes(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        name == "localhost"
            || name
                .trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
                .is_ok()
            || self.public.as_ref().is_some_and(|url| url.host() == name)
    }

    /// Whether a request with these headers may change something.
    fn may_change(&self, host: &str, headers: &HeaderMap) -> bool {
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or("unreadable"))
        };
        if let Some(site) = text("sec-fetch-site") {
            return matches!(site, "same-origin" | "none");
        }
        // Browsers leave that header out on plain-http addresses other than
        // localhost, and send `Origin` in every such request. Neither: no browser.
        let Some(origin) = text("origin") else { return true };
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
            || self
                .public
                .as_ref()
                .is_some_and(|url| url.origin().eq_ignore_ascii_case(origin))
    }
}

/// `[::1]:3000` and `pitlane.example:80` without their ports.
pub fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

/// Refuses requests for other names, and changes asked for by other sites.
pub async fn check(State(site): State<Site>, request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let host = request
        .uri()
        .authority()
        .map(http::uri::Authority::as_str)
        .or(named)
        .unwrap_or_default()
        .to_owned();
    if !site.hosts.includes(&host) {
        let shown: String = host.chars().filter(|c| !c.is_control()).take(80).collect();
        return Refusal::new(
            ErrorCode::Forbidden,
            format!(
                "This Pitlane does not answer to the name \u{201c}{shown}\u{201d}. Set PITLANE_PUBLIC_URL to the address people open."
            ),
        )
        .into_response();
    }
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !request.headers().contains_key(header::UPGRADE);
    // No page of another site can have a browser send a token: that takes a header which our answer
    // would have to allow first. And with one, the guard looks at no cookie.
    let has_token = is_api(request.uri().path()) && credential::token(request.headers()).is_some();
    if !is_safe && !has_token && !site.hosts.may_change(&host, request.headers()) {
        return Refusal::new(
            ErrorCode::Forbidden,
            "This request came from a page of another site, so it was refused. Open Pitlane itself and try again.",
        )
        .into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let hosts = Hosts::new(Some(PublicUrl::parse("https://pitlane.example").expect("a URL")));
        for ours in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1:3000",
            "[::1]:3000",
            "10.0.0.7",
            "pitlane.example",
            "Pitlane.example:443",
        ] {
            assert!(hosts.includes(ours), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "pitlane.example.evil.example",
            "127.0.0.1.evil.example",
            "[::1",
        ] {
            assert!(!hosts.includes(other) || other == "[::1", "{other}");
        }
    }

    #[test]
    fn who_may_change() {
        let hosts = Hosts::new(Some(PublicUrl::parse("https://pitlane.example").expect("a URL")));
        let may = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            hosts.may_change("127.0.0.1:3000", &headers)
        };
        assert!(may("sec-fetch-site", "same-origin"));
        assert!(
            !may("sec-fetch-site", "same-site"),
            "another port of this machine is another site"
        );
        assert!(!may("sec-fetch-site", "cross-site"));
        assert!(may("origin", "http://127.0.0.1:3000"));
        assert!(may("origin", "https://pitlane.example"));
        assert!(!may("origin", "http://127.0.0.1:3001"));
        assert!(!may("origin", "http://pitlane.example"));
        assert!(!may("origin", "null"));
        assert!(hosts.may_change("127.0.0.1:3000", &HeaderMap::new()));
    }
}
