//! The operator's bound: what sandboxes of this engine reach at most.
//!
//! This host and its networks are out of reach unless an address of theirs is
//! listed. A range never opens this host itself, only its own address does:
//! who lists `10.0.0.0/8` means the services of the network, not the machine
//! that happens to be in it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

use super::address::{is_own, is_public};
use super::domains::DomainPattern;
use super::refusal::Refusal;

/// Ranges wider than these hold private networks besides public ones.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 7;
const EXPECTED: &str = "off, open, or a list of domains, addresses and ranges such as example.com,*.example.org,10.1.2.0/24 is needed";

/// What sandboxes may reach at most. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkBound {
    /// Every public address.
    open: bool,
    addresses: Vec<Listed>,
    domains: Vec<DomainPattern>,
}

/// A range of addresses that the operator lists, with one port or all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    range: IpNet,
    port: Option<u16>,
}

impl Listed {
    fn holds(&self, address: IpAddr, port: Option<u16>) -> bool {
        let same_port = self.port.is_none() || port.is_none() || self.port == port;
        self.range.contains(&address) && same_port
    }

    fn is_single(&self) -> bool {
        self.range.prefix_len() == self.range.max_prefix_len()
    }
}

impl NetworkBound {
    /// Nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Every public address.
    #[must_use]
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Whether nothing is reached.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::off()
    }

    /// Whether every public address is reached.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether a name may be looked up. A list with domains means only those:
    /// a look-up itself carries words out.
    pub(super) fn may_look_up(&self, name: &str) -> bool {
        self.open
            || (self.domains.is_empty() && !self.addresses.is_empty())
            || self.domains.iter().any(|domain| domain.matches(name))
    }

    /// Whether an address that these names lead to may be connected to, at this
    /// port or at some.
    pub(super) fn judge(&self, names: &[String], address: IpAddr, port: Option<u16>) -> Result<(), Refusal> {
        let address = address.to_canonical();
        let mut listed = self.addresses.iter().filter(|listed| listed.holds(address, port));
        if is_own(address).map_err(Refusal::Unreachable)? {
            return if listed.any(Listed::is_single) && !address.is_unspecified() {
                Ok(())
            } else {
                Err(Refusal::NotPublic)
            };
        }
        if listed.next().is_some() {
            return Ok(());
        }
        if !is_public(address) {
            return Err(Refusal::NotPublic);
        }
        let named = || {
            names
                .iter()
                .any(|name| self.domains.iter().any(|domain| domain.matches(name)))
        };
        if self.open || named() {
            Ok(())
        } else {
            Err(Refusal::BeyondBound)
        }
    }
}

impl FromStr for NetworkBound {
    type Err = String;

    /// Reads `off`, `open`, or a list of both words' meanings between: `open`,
    /// domains, addresses and ranges; an address may have a port.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut bound = Self::off();
        if text.trim() == "off" {
            return Ok(bound);
        }
        for item in text.split(',').map(str::trim) {
            if item == "open" {
                bound.open = true;
            } else if let Some(listed) = listed(item)? {
                bound.addresses.push(listed);
            } else if matches!(item, "" | "on" | "off") {
                return Err(format!("{EXPECTED}."));
            } else {
                let domain = item.parse().map_err(|why| format!("{EXPECTED}; {why}."))?;
                bound.domains.push(domain);
            }
        }
        Ok(bound)
    }
}

/// Reads an address or a range; `None` when it is neither.
fn listed(item: &str) -> Result<Option<Listed>, String> {
    let single = |address: IpAddr, port| Listed {
        range: IpNet::from(address.to_canonical()),
        port,
    };
    if let Ok(address) = item.parse::<SocketAddr>() {
        return Ok(Some(single(address.ip(), Some(address.port()))));
    }
    if let Ok(address) = item.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(Some(single(address, None)));
    }
    let Ok(range) = item.parse::<IpNet>() else {
        return Ok(None);
    };
    let widest = if range.addr().is_ipv4() {
        WIDEST_V4
    } else {
        WIDEST_V6
    };
    if range.prefix_len() < widest {
        return Err(format!(
            "{EXPECTED}; {range} is so wide that it holds private networks: write open, and list private ranges by themselves."
        ));
    }
    let range = range.trunc();
    Ok(Some(Listed { range, port: None }))
}

impl fmt::Display for NetworkBound {
    /// As it is read.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items: Vec<String> = self.domains.iter().map(ToString::to_string).collect();
        for Listed { range, port } in &self.addresses {
            items.push(match port {
                Some(port) => SocketAddr::new(range.addr(), *port).to_string(),
                None => range.to_string(),
            });
        }
        if self.open {
            items.insert(0, "open".to_owned());
        }
        if items.is_empty() {
            items.push("off".to_owned());
        }
        out.write_str(&items.join(","))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound(text: &str) -> NetworkBound {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    /// Without asking this host's routes, which a test machine may not have.
    fn judged(text: &str, names: &[&str], address: &str) -> bool {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let address: SocketAddr = address.parse().unwrap();
        match bound(text).judge(&names, address.ip(), Some(address.port())) {
            Ok(()) => true,
            Err(Refusal::Unreachable(error)) => panic!("{address}: {error}"),
            Err(_) => false,
        }
    }

    #[test]
    fn lists_are_read_and_written() {
        for text in [
            "off",
            "open",
            "example.com,*.example.org",
            "open,10.1.2.0/24,127.0.0.1:8080,[::1]:8080,fd00::/64",
        ] {
            let again = bound(&bound(text).to_string());
            assert_eq!(again, bound(text), "{text}");
        }
        assert!(bound(" off ").is_off() && bound("open").is_open() && !bound("example.com").is_open());
        assert_eq!(bound("10.1.2.3/24").to_string(), "10.1.2.0/24");
    }

    #[test]
    fn what_is_neither_is_refused_in_words() {
        for text in [
            "",
            "on",
            "off,open",
            "example.com,,",
            "http://example.com",
            "1.2.3",
            "0.0.0.0/0",
            "::/0",
            "a b",
        ] {
            let why = text.parse::<NetworkBound>().expect_err(text);
            assert!(
                why.starts_with("off, open, or a list") && why.ends_with('.'),
                "{text}: {why}"
            );
        }
    }

    #[test]
    fn private_addresses_are_reached_only_when_they_are_listed() {
        assert!(!judged("open", &[], "10.1.2.3:80"));
        assert!(judged("open,10.1.2.0/24", &[], "10.1.2.3:80"));
        assert!(!judged("open,10.1.2.0/24", &[], "10.1.3.3:80"));
        assert!(!judged("open", &["metadata"], "169.254.169.254:80"));
        // A name that leads there is not enough, or whoever answers for it decides.
        assert!(!judged("example.com", &["example.com"], "10.1.2.3:80"));
        assert!(!judged("example.com", &["example.com"], "[::ffff:10.1.2.3]:80"));
    }

    #[test]
    fn this_host_is_reached_only_by_its_own_address_and_port() {
        assert!(!judged("open", &[], "127.0.0.1:80"));
        assert!(!judged("127.0.0.0/8", &[], "127.0.0.1:80"));
        assert!(judged("127.0.0.1:8080", &[], "127.0.0.1:8080"));
        assert!(judged("127.0.0.1:8080", &[], "[::ffff:127.0.0.1]:8080"));
        assert!(!judged("127.0.0.1:8080", &[], "127.0.0.1:8081"));
        assert!(!judged("open,0.0.0.0", &[], "0.0.0.0:80"));
    }

    #[test]
    fn only_listed_domains_are_looked_up() {
        assert!(bound("open").may_look_up("example.com"));
        assert!(!bound("off").may_look_up("example.com"));
        assert!(bound("10.1.2.0/24").may_look_up("example.com"));
        let listed = bound("*.example.com,10.1.2.0/24");
        assert!(listed.may_look_up("a.example.com") && !listed.may_look_up("secret.example.org"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(bound) = text.parse::<NetworkBound>() {
                prop_assert_eq!(bound.to_string().parse::<NetworkBound>(), Ok(bound));
            }
        }
    }
}
