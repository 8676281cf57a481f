//! The vault: seals values before they go into the store, and opens them when
//! a run needs them.
//!
//! AES-256-GCM with the master key; each value is bound to the id it belongs
//! to, so that nobody who can write the database can give one agent another's
//! secret. What is sealed names the key it was sealed with: a value that no key
//! here opens is told apart from one that was changed.
//!
//! The key is given (`PITLANE_MASTER_KEY`) or kept in a file that only
//! Pitlane's user reads. Changing the key: see [`Vault::renew`].

mod file;
mod key;

pub use file::KeyFile;
pub use key::MasterKey;

use model::Invalid;

/// What opens and seals.
#[derive(Clone, Debug)]
pub struct Vault {
    key: MasterKey,
    /// Another key that values may still be sealed with, or already are: the change of the key was interrupted.
    other: Option<MasterKey>,
}

impl Vault {
    /// One with this key.
    #[must_use]
    pub const fn new(key: MasterKey) -> Self {
        Self { key, other: None }
    }

    /// One that seals with `key` and opens what either sealed.
    #[must_use]
    pub const fn with_other(key: MasterKey, other: MasterKey) -> Self {
        Self {
            key,
            other: Some(other),
        }
    }

    /// One whose key nobody has: for a store that is thrown away.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn temporary() -> Result<Self, Invalid> {
        Ok(Self::new(MasterKey::generate()?))
    }

    /// The key it seals with.
    #[must_use]
    pub const fn key(&self) -> &MasterKey {
        &self.key
    }

    /// Seals a value that belongs to this id.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, id: &str, value: &str) -> Result<String, Invalid> {
        self.key.seal(id, value)
    }

    /// Opens it again.
    ///
    /// # Errors
    /// When another key sealed it, or it was changed.
    pub fn open(&self, id: &str, sealed: &str) -> Result<String, Invalid> {
        match &self.other {
            Some(other) if other.sealed(sealed) => other.open(id, sealed),
            _ => self.key.open(id, sealed),
        }
    }

    /// The same value sealed with this vault's key, whichever of its keys it is sealed with.
    ///
    /// # Errors
    /// As [`Vault::open`] and [`Vault::seal`].
    pub fn renew(&self, id: &str, sealed: &str) -> Result<String, Invalid> {
        self.seal(id, &self.open(id, sealed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vault() -> Vault {
        Vault::temporary().expect("random numbers")
    }

    #[test]
    fn only_the_same_key_and_id_open_it() {
        let (vault, other) = (vault(), vault());
        let sealed = vault.seal("a", "value").expect("sealed");
        assert_ne!(
            sealed,
            vault.seal("a", "value").expect("sealed"),
            "nothing shows that two are the same"
        );
        assert_eq!(vault.open("a", &sealed).expect("open"), "value");
        assert!(
            vault
                .open("b", &sealed)
                .expect_err("another id")
                .0
                .contains("was changed")
        );
        assert!(
            other
                .open("a", &sealed)
                .expect_err("another key")
                .0
                .contains("another master key")
        );
        for odd in ["", "AAAA", "1.%.%", &sealed[..sealed.len() - 4], "1..", "1.é.é"] {
            assert!(vault.open("a", odd).is_err(), "{odd}");
        }
        for text in vault.key().to_texts() {
            assert!(!format!("{vault:?}").contains(&text));
            let read = Vault::new(MasterKey::parse(&text).expect("a key"));
            assert_eq!(read.open("a", &sealed).expect("the same key"), "value");
        }
    }

    #[test]
    fn a_change_of_the_key_can_be_interrupted_anywhere() {
        let (old, new) = (vault(), vault());
        let both = Vault::with_other(new.key().clone(), old.key().clone());
        let sealed = old.seal("a", "value").expect("sealed");
        let renewed = both.renew("a", &sealed).expect("renewed");
        assert_eq!(new.open("a", &renewed).expect("open"), "value");
        let twice = both.renew("a", &renewed).expect("renewed");
        assert_eq!(new.open("a", &twice).expect("open"), "value");
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in "\\PC{0,200}", id in "[a-z0-9-]{0,40}") {
            let vault = vault();
            prop_assert_eq!(vault.open(&id, &vault.seal(&id, &value).expect("sealed")).expect("open"), value);
        }

        #[test]
        fn nothing_odd_is_opened(text in "\\PC{0,80}") {
            prop_assert!(vault().open("a", &text).is_err());
        }
    }
}
