//! The host names of previews.

use axum::extract::Request;
use axum::http::header;

use crate::control::Base;

/// The longest part of a host name.
const LONGEST: usize = 63;

/// What a preview's host name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) port: u16,
    /// A sandbox's id or a signed token.
    pub(super) target: String,
}

/// The preview a request is for; `None` when it is for the engine itself.
pub(super) fn of(domain: &str, request: &Request) -> Option<Name> {
    let host = match request.headers().get(header::HOST) {
        Some(host) => host.to_str().ok()?,
        None => request.uri().authority()?.as_str(),
    };
    read(domain, host)
}

fn read(domain: &str, host: &str) -> Option<Name> {
    let host = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let domain = without_port(domain).to_ascii_lowercase();
    let label = host.strip_suffix(&domain)?.strip_suffix('.')?;
    let (port, target) = label.split_once('-')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if label.len() > LONGEST || target.is_empty() || !target.bytes().all(plain) {
        return None;
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0)?;
    Some(Name {
        port,
        target: target.to_owned(),
    })
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The address of a preview, as the client that asks reaches the engine.
pub(crate) fn address(domain: &str, base: &Base, port: u16, target: &str) -> String {
    format!("{}://{port}-{target}.{}", base.scheme(), place(domain, base))
}

/// The form of these addresses, in Daytona's words.
pub(crate) fn template(domain: &str, base: &Base) -> String {
    format!(
        "{}://{{{{PORT}}}}-{{{{sandboxId}}}}.{}",
        base.scheme(),
        place(domain, base)
    )
}

/// The domain with the port clients use, unless it comes with its own.
fn place(domain: &str, base: &Base) -> String {
    match base.port() {
        Some(port) if without_port(domain) == domain => format!("{domain}:{port}"),
        _ => domain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(port: u16, target: &str) -> Option<Name> {
        Some(Name {
            port,
            target: target.to_owned(),
        })
    }

    #[test]
    fn previews_are_told_from_the_engine() {
        let id = "30edc382-19ac-4ac3-9839-239b251f2b43";
        for host in [
            format!("3000-{id}.localhost:3986"),
            format!("3000-{id}.LOCALHOST"),
            format!("3000-{id}.localhost.:1"),
        ] {
            assert_eq!(read("localhost", &host), name(3000, id), "{host}");
        }
        assert_eq!(
            read("p.example.com:8443", "80-tok.p.example.com"),
            name(80, "tok")
        );
        for host in [
            "localhost:3986",
            "127.0.0.1:3986",
            "api.localhost",
            "3000.localhost",
            "3000-.localhost",
            "0-a.localhost",
            "65536-a.localhost",
            "+80-a.localhost",
            "3000-a.b.localhost",
            "3000-a_b.localhost",
            "3000-a.localhost.example.com",
            "3000-alocalhost",
            "[::1]:3986",
            "",
        ] {
            assert_eq!(read("localhost", host), None, "{host}");
        }
    }

    proptest! {
        #[test]
        fn any_host_is_survived(domain in "[a-z.:0-9]{0,12}", host in any::<String>()) {
            let _ = read(&domain, &host);
        }

        #[test]
        fn what_is_written_is_read(port in 1u16.., target in "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?") {
            let base = Base::of("http", "127.0.0.1:3986");
            let address = address("localhost", &base, port, &target);
            let host = address.strip_prefix("http://").unwrap();
            prop_assert!(host.ends_with(".localhost:3986"));
            prop_assert_eq!(read("localhost", host), name(port, &target));
        }
    }

    #[test]
    fn addresses_are_those_the_client_can_reach() {
        let plain = Base::of("https", "sandboxes.example.com");
        assert_eq!(
            address("p.example.com", &plain, 80, "x"),
            "https://80-x.p.example.com"
        );
        assert_eq!(
            address("p.example.com:8443", &plain, 80, "x"),
            "https://80-x.p.example.com:8443"
        );
        let own = Base::of("http", "[::1]:3986");
        assert_eq!(
            address("p.example.com:8443", &own, 80, "x"),
            "http://80-x.p.example.com:8443"
        );
        assert_eq!(
            template("localhost", &own),
            "http://{{PORT}}-{{sandboxId}}.localhost:3986"
        );
        assert_eq!(
            template("localhost", &Base::of("http", "[::1]")),
            "http://{{PORT}}-{{sandboxId}}.localhost"
        );
    }
}
