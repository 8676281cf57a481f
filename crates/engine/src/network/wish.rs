//! What a sandbox asks for: less than the operator allows, never more.
//!
//! As Daytona reads it: up to ten IPv4 ranges, up to ten domains, and a list
//! that is given and empty allows nothing of its kind. With both lists a
//! connection needs to be on one of them.

use std::net::IpAddr;

use ipnet::Ipv4Net;

use super::domains::DomainPattern;
use super::refusal::Refusal;

/// The most entries of one list.
const MOST: usize = 10;
/// The longest text of one list.
const LONGEST: usize = 4096;

/// A sandbox's own restriction; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkWish {
    /// Nothing at all.
    block_all: bool,
    /// The ranges; `None` when no list was given.
    ranges: Option<Vec<Ipv4Net>>,
    /// The domains; `None` when no list was given.
    domains: Option<Vec<DomainPattern>>,
}

impl NetworkWish {
    /// Reads Daytona's three settings.
    ///
    /// # Errors
    /// The sentence that says which entry is wrong.
    pub fn parse(
        block_all: bool,
        network_allow_list: Option<&str>,
        domain_allow_list: Option<&str>,
    ) -> Result<Self, String> {
        Ok(Self {
            block_all,
            ranges: network_allow_list
                .map(|text| entries("networkAllowList", text, range))
                .transpose()?,
            domains: domain_allow_list
                .map(|text| entries("domainAllowList", text, str::parse))
                .transpose()?,
        })
    }

    /// Nothing at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            block_all: true,
            ..Self::default()
        }
    }

    /// Whether it asks for no network at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let empty = |length: Option<usize>| length.unwrap_or(0) == 0;
        let is_listed = self.ranges.is_some() || self.domains.is_some();
        self.block_all
            || (is_listed
                && empty(self.ranges.as_ref().map(Vec::len))
                && empty(self.domains.as_ref().map(Vec::len)))
    }

    /// Whether a name may be looked up: a list with domains means only those.
    pub(super) fn may_look_up(&self, name: &str) -> bool {
        let listed = self.domains.as_deref().unwrap_or_default();
        !self.is_nothing() && (listed.is_empty() || listed.iter().any(|domain| domain.matches(name)))
    }

    /// Whether an address may be connected to that these names lead to.
    pub(super) fn judge(&self, names: &[String], address: IpAddr) -> Result<(), Refusal> {
        if self.is_nothing() {
            return Err(Refusal::Off);
        }
        let in_range = match (&self.ranges, address.to_canonical()) {
            (Some(ranges), IpAddr::V4(address)) => ranges.iter().any(|range| range.contains(&address)),
            _ => false,
        };
        let listed = self.domains.as_deref().unwrap_or_default();
        let is_free = self.ranges.is_none() && self.domains.is_none();
        let is_named = || {
            names
                .iter()
                .any(|name| listed.iter().any(|domain| domain.matches(name)))
        };
        if is_free || in_range || is_named() {
            Ok(())
        } else {
            Err(Refusal::BeyondWish)
        }
    }
}

fn entries<T>(what: &str, text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items: Vec<&str> = text
        .get(..LONGEST.min(text.len()))
        .filter(|whole| whole.len() == text.len())
        .ok_or_else(|| format!("{what} is longer than {LONGEST} bytes"))?
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect();
    if items.len() > MOST {
        return Err(format!(
            "{what} holds {} entries, and {MOST} are the most",
            items.len()
        ));
    }
    items
        .into_iter()
        .map(|item| read(item).map_err(|why| format!("{what} cannot be used: {why}")))
        .collect()
}

fn range(item: &str) -> Result<Ipv4Net, String> {
    item.parse::<Ipv4Net>()
        .map(|range| range.trunc())
        .map_err(|_| format!("\u{201c}{item}\u{201d} is no IPv4 range such as 192.0.2.0/24"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(ranges: Option<&str>, domains: Option<&str>) -> NetworkWish {
        NetworkWish::parse(false, ranges, domains).unwrap()
    }

    fn allows(wish: &NetworkWish, name: &str, address: &str) -> bool {
        wish.judge(&[name.to_owned()], address.parse().unwrap()).is_ok()
    }

    #[test]
    fn without_lists_nothing_is_restricted() {
        let free = NetworkWish::default();
        assert!(
            allows(&free, "a.com", "1.1.1.1") && allows(&free, "", "2606::1") && free.may_look_up("a.com")
        );
        assert!(!allows(&NetworkWish::nothing(), "a.com", "1.1.1.1"));
    }

    #[test]
    fn a_list_that_is_empty_allows_nothing_of_its_kind() {
        for nothing in [
            wish(Some(""), None),
            wish(None, Some(" ")),
            wish(Some(","), Some("")),
        ] {
            assert!(
                nothing.is_nothing()
                    && !allows(&nothing, "a.com", "1.1.1.1")
                    && !nothing.may_look_up("a.com")
            );
        }
        let domains = wish(Some(""), Some("a.com"));
        assert!(allows(&domains, "a.com", "1.1.1.1") && !allows(&domains, "b.com", "1.1.1.1"));
        assert!(domains.may_look_up("a.com") && !domains.may_look_up("b.com"));
    }

    #[test]
    fn being_on_one_list_is_enough() {
        let both = wish(Some("1.1.1.0/24"), Some("*.a.com"));
        assert!(allows(&both, "b.com", "1.1.1.9") && allows(&both, "x.a.com", "8.8.8.8"));
        assert!(!allows(&both, "a.com", "8.8.8.8") && !allows(&both, "b.com", "::1"));
        assert!(allows(&both, "b.com", "::ffff:1.1.1.9"));
        let ranges = wish(Some("1.1.1.0/24"), None);
        assert!(ranges.may_look_up("any.org") && !allows(&ranges, "any.org", "8.8.8.8"));
    }

    #[test]
    fn bad_entries_are_told() {
        let many = ["1.1.1.0/24"; 11].join(",");
        for (ranges, domains, said) in [
            (Some("1.1.1.1"), None, "\u{201c}1.1.1.1\u{201d} is no IPv4 range"),
            (Some("::/0"), None, "is no IPv4 range"),
            (Some(many.as_str()), None, "holds 11 entries"),
            (None, Some("http://a.com"), "is no domain"),
        ] {
            let why = NetworkWish::parse(false, ranges, domains).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
        assert!(NetworkWish::parse(false, Some(&"1".repeat(5000)), None).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(ranges in "\\PC{0,60}", domains in "\\PC{0,60}") {
            if let Ok(wish) = NetworkWish::parse(false, Some(&ranges), Some(&domains)) {
                prop_assert!(wish.ranges.is_some_and(|ranges| ranges.len() <= MOST));
            }
        }
    }
}
