//! Where webhooks may be sent. Whoever may name an address could otherwise have
//! this server ask what only it can reach: the cloud's metadata, a database
//! beside it, itself. So private, loopback, link-local and other addresses that
//! are nobody's on the internet are refused, unless the operator allows them.
//!
//! What counts is the address that is connected to, not the name: names are
//! resolved here, and the connection is made to what passed, so that a name
//! which resolves to something else a moment later is of no use.

use ipnet::IpNet;
use model::Invalid;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What may be connected to besides the internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    allowed: Vec<IpNet>,
}

impl std::str::FromStr for Reach {
    type Err = String;

    /// Reads addresses and ranges with commas between: `10.0.0.0/8, ::1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let read = |word: &str| {
            word.parse::<IpNet>()
                .or_else(|_| word.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    format!(
                        "\u{201c}{word}\u{201d} is no address and no range of addresses such as 10.0.0.0/8."
                    )
                })
        };
        Ok(Self {
            allowed: words.map(read).collect::<Result<_, _>>()?,
        })
    }
}

impl Reach {
    /// Whether a webhook may be sent to this address.
    #[must_use]
    pub fn includes(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|range| range.contains(&address)) || is_public(address)
    }
}

/// Whether an address is one of the internet. An address of IPv6 that carries one of IPv4 is what that is.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

/// See <https://www.iana.org/assignments/iana-ipv4-special-registry>.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b) {
        // This network, private, loopback, multicast and all above.
        (0 | 10 | 127 | 224..=255, _) => true,
        // Shared by customers of a provider.
        (100, 64..=127) => true,
        // Link-local: the metadata of clouds.
        (169, 254) => true,
        (172, 16..=31) => true,
        (192, 168) => true,
        // Protocols, documentation, relays.
        (192, 0) => c == 0 || c == 2,
        (192, 88) => c == 99,
        // Measurements.
        (198, 18 | 19) => true,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        _ => false,
    };
    !is_special
}

/// See <https://www.iana.org/assignments/iana-ipv6-special-registry>. Only 2000::/3 is given to anybody.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = match (first, second) {
        // Protocols, documentation.
        (0x2001, 0..=0x01ff | 0x0db8) => true,
        (0x3fff, 0..=0x0fff) => true,
        _ => false,
    };
    (0x2000..=0x3fff).contains(&first) && !is_special
}

/// The address of IPv4 that a translator or a tunnel takes out of one of IPv6.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // NAT64.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// A refusal in words.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is not on the internet but a private or special address, where webhooks are not sent unless the operator allows it with PITLANE_WEBHOOK_ALLOW"
)]
pub struct OutOfReach(String);

/// Checks an address as far as it can be without resolving a name.
///
/// # Errors
/// When it is no address, or one that is out of reach.
pub fn check_url(url: &str, reach: &Reach) -> Result<Url, Invalid> {
    let url = Url::parse(url).map_err(|error| Invalid(format!("The address cannot be used: {error}.")))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let number = host.trim_start_matches('[').trim_end_matches(']').parse();
    if let Ok(address) = number
        && !reach.includes(address)
    {
        return Err(Invalid(format!("{}.", OutOfReach(host))));
    }
    Ok(url)
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let within: Vec<SocketAddr> = found.filter(|found| reach.includes(found.ip())).collect();
            if within.is_empty() {
                return Err(OutOfReach(name.as_str().to_owned()).into());
            }
            let addresses: Addrs = Box::new(within.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_in_reach() {
        let reach = Reach::default();
        for inside in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "::127.0.0.1",
            "64:ff9b:1::1",
            "fec0::1",
            "3fff::1",
        ] {
            assert!(!reach.includes(inside.parse().expect(inside)), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "169.253.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "203.0.114.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(reach.includes(outside.parse().expect(outside)), "{outside}");
        }
    }

    #[test]
    fn an_operator_can_allow_more() {
        let reach: Reach = "10.0.0.0/8, ::1,192.168.1.7".parse().expect("ranges");
        for inside in ["10.9.9.9", "::1", "192.168.1.7", "::ffff:10.0.0.1", "1.1.1.1"] {
            assert!(reach.includes(inside.parse().expect(inside)), "{inside}");
        }
        for outside in ["192.168.1.8", "127.0.0.1"] {
            assert!(!reach.includes(outside.parse().expect(outside)), "{outside}");
        }
        assert_eq!("".parse(), Ok(Reach::default()));
        assert!("10.0.0.0/33".parse::<Reach>().is_err() && "localhost".parse::<Reach>().is_err());
    }

    #[test]
    fn numbers_are_refused_however_they_are_written() {
        let reach = Reach::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1:8080/x",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "http://127.1/",
            "http://\u{ff11}27.0.0.1/",
        ] {
            let error = check_url(url, &reach).expect_err(url);
            assert!(error.0.contains("PITLANE_WEBHOOK_ALLOW"), "{url}: {error}");
        }
        assert!(check_url("https://example.com:8443/x", &reach).is_ok());
        assert!(check_url("https://", &reach).is_err());
    }

    #[tokio::test]
    async fn a_name_is_what_it_resolves_to() {
        let local: Name = "localhost".parse().expect("a name");
        let refused = Reach::default().resolve(local).await;
        let error = refused.err().expect("refused").to_string();
        assert!(error.contains("localhost is not on the internet"), "{error}");
        let reach: Reach = "127.0.0.0/8,::1".parse().expect("ranges");
        let local: Name = "localhost".parse().expect("a name");
        assert!(
            reach
                .resolve(local)
                .await
                .is_ok_and(|mut found| found.next().is_some())
        );
    }
}
