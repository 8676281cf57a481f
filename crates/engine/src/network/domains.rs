//! Names of the internet's domains, and patterns of them.

use std::fmt;
use std::str::FromStr;

const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A domain, or with `*.` before it every name below it (not the domain itself).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainPattern {
    name: String,
    below: bool,
}

impl DomainPattern {
    /// Whether it means this name, which is in its usual form.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if !self.below {
            return name == self.name;
        }
        name.strip_suffix(&self.name)
            .is_some_and(|before| before.len() > 1 && before.ends_with('.'))
    }
}

impl FromStr for DomainPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let name = usual(name).filter(|_| !is_number).ok_or_else(|| {
            format!(
                "\u{201c}{}\u{201d} is no domain such as example.com or *.example.com",
                text.chars().take(LONGEST_NAME).collect::<String>()
            )
        })?;
        Ok(Self { name, below })
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", if self.below { "*." } else { "" }, self.name)
    }
}

/// A name as it is compared: small letters, no dot at its end. `None` when it
/// cannot be a host's.
pub(crate) fn usual(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= LONGEST_NAME && name.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_itself_or_what_is_below() {
        let exact: DomainPattern = "Example.COM.".parse().unwrap();
        assert!(exact.matches("example.com") && !exact.matches("a.example.com"));
        let below: DomainPattern = "*.example.com".parse().unwrap();
        assert!(below.matches("a.example.com") && below.matches("a.b.example.com"));
        for other in [
            "example.com",
            ".example.com",
            "badexample.com",
            "example.com.evil.org",
            "",
        ] {
            assert!(!below.matches(other), "{other}");
        }
        assert_eq!(below.to_string(), "*.example.com");
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let long = format!("{}.com", "a".repeat(64));
        for text in [
            "",
            ".",
            "*",
            "*.",
            "a..b",
            "a b.com",
            "http://a.com",
            "a.com/x",
            "*.*.com",
            "ü.de",
            "1.2.3.4",
            &long,
        ] {
            assert!(text.parse::<DomainPattern>().is_err(), "{text}");
        }
    }
}
