//! Addresses and URLs among the settings.

use std::net::{SocketAddr, ToSocketAddrs};

/// The address people open in their browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether it is reached over TLS: cookies are then kept to TLS too.
    pub is_https: bool,
    /// Its host and, when it is not the usual one, its port.
    pub authority: String,
}

impl PublicUrl {
    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "an address such as https://pitlane.example is needed, without a path.".to_owned();
        let url: http::Uri = text.parse().map_err(|_| wrong())?;
        let is_https = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = url.authority().ok_or_else(wrong)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let usual_port = if is_https { 443 } else { 80 };
        let authority = match authority.port_u16() {
            Some(port) if port != usual_port => format!("{}:{port}", authority.host()),
            _ => authority.host().to_owned(),
        };
        Ok(Self {
            is_https,
            authority: authority.to_ascii_lowercase(),
        })
    }

    /// The origin as browsers write it.
    pub fn origin(&self) -> String {
        format!(
            "{}://{}",
            if self.is_https { "https" } else { "http" },
            self.authority
        )
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        super::super::site::hosts::without_port(&self.authority)
    }
}

/// A domain whose names are given out, with a port where it has another than
/// usual: `preview.example.com`, `localhost:8443`.
pub fn domain(text: &str) -> Result<String, String> {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "1"));
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    if name.split('.').all(part) && is_port {
        return Ok(text.to_ascii_lowercase());
    }
    Err("a domain such as preview.example.com is needed, with a port where it has one.".to_owned())
}

/// A place to listen at: `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000`, `:3000` or a port alone.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "a host and a port such as 127.0.0.1:3000 are needed.".to_owned();
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    if let Ok(addr) = text.parse() {
        return Ok(addr);
    }
    if !text.contains(':') {
        return Err(wrong());
    }
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(wrong)
}

/// A database URL.
pub fn database(text: &str) -> Result<String, String> {
    if ["sqlite:", "postgres://", "postgresql://"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        Ok(text.to_owned())
    } else {
        Err("sqlite://FILE or postgres://USER@HOST/NAME is needed.".to_owned())
    }
}

/// The base URL of an API, without a slash at its end.
pub fn api(text: &str) -> Result<String, String> {
    let url: Option<http::Uri> = text.parse().ok();
    match url.as_ref().and_then(http::Uri::scheme_str) {
        Some("http" | "https") => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("an address such as https://app.daytona.io/api is needed.".to_owned()),
    }
}
