//! Who is let in without an account: the domains and e-mail addresses that the
//! operator listed. A provider that everybody may have an account at says
//! nothing about a person by itself, so without a list nobody new is let in.

use super::Problem;

/// Whom the operator lets in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Everybody whom the provider knows.
    everybody: bool,
    /// Whoever has an address in one of these domains, in lower case.
    domains: Vec<String>,
    /// These addresses, in lower case.
    addresses: Vec<String>,
}

impl Admission {
    /// Reads `example.com, ada@example.org`, or `*` for everybody whom the provider knows.
    ///
    /// # Errors
    /// When something in it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut admission = Self::default();
        for item in text.split([',', ' ']).filter(|item| !item.is_empty()) {
            let item = item.to_lowercase();
            let domain = item.rsplit_once('@').map_or(item.as_str(), |(_, domain)| domain);
            let is_domain = domain.contains('.')
                && domain.split('.').all(|part| !part.is_empty())
                && !domain.contains(['@', '*', '/', ':']);
            match item.split_once('@') {
                _ if item == "*" => admission.everybody = true,
                Some(("", domain)) if is_domain => admission.domains.push(domain.to_owned()),
                Some((_, rest)) if is_domain && !rest.contains('@') => admission.addresses.push(item),
                None if is_domain => admission.domains.push(item),
                _ => {
                    return Err(format!(
                        "domains and e-mail addresses with commas between them are needed, such as example.com, ada@example.org, or * for everybody the provider knows; \u{201c}{item}\u{201d} is none."
                    ));
                }
            }
        }
        Ok(admission)
    }

    /// Whether somebody with this address, verified by the provider or not, is let in.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, email: Option<&str>, is_verified: bool) -> Result<(), Problem> {
        if self.everybody {
            return Ok(());
        }
        let email = email.ok_or(Problem::NotAllowed)?.to_lowercase();
        // The part before the last @ may hold another one, in quotes; the domain cannot.
        let (_, domain) = email.rsplit_once('@').ok_or(Problem::NotAllowed)?;
        let is_listed = self.addresses.contains(&email) || self.domains.iter().any(|listed| listed == domain);
        match (is_listed, is_verified) {
            (true, true) => Ok(()),
            // Anybody can claim an address; only the provider's word makes it theirs.
            (true, false) => Err(Problem::Unverified),
            (false, _) => Err(Problem::NotAllowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_and_verified_addresses_are_let_in() {
        let some = Admission::parse("Example.com, @example.net ada@example.org").expect("a list");
        for email in [
            "bob@example.com",
            "BOB@EXAMPLE.COM",
            "x@example.net",
            "ada@example.org",
            "\"a@b\"@example.com",
        ] {
            assert_eq!(some.check(Some(email), true), Ok(()), "{email}");
            assert_eq!(
                some.check(Some(email), false),
                Err(Problem::Unverified),
                "{email}"
            );
        }
        for email in [
            "bob@example.org",
            "bob@sub.example.com",
            "bob@example.com.evil.example",
            "bob@evilexample.com",
            "example.com",
            "bob@example.com@evil.example",
            "",
        ] {
            assert_eq!(some.check(Some(email), true), Err(Problem::NotAllowed), "{email}");
        }
        assert_eq!(some.check(None, true), Err(Problem::NotAllowed));
        assert_eq!(
            Admission::default().check(Some("a@example.com"), true),
            Err(Problem::NotAllowed)
        );
        let all = Admission::parse("*").expect("everybody");
        assert_eq!(all.check(None, false), Ok(()));
    }

    #[test]
    fn what_is_neither_a_domain_nor_an_address_is_refused() {
        for wrong in [
            "example",
            "*.example.com",
            "a@b",
            "a@b@example.com",
            "https://example.com",
            "@",
            "example..com",
        ] {
            assert!(Admission::parse(wrong).is_err(), "{wrong}");
        }
    }
}
