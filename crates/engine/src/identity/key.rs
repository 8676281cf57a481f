//! One API key. The key itself is shown once, when it is made; what is kept is
//! its hash. It has 256 random bits, so that the hash cannot be turned back by
//! trying and needs no salt.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FIRST_ORGANIZATION, Permission};
use crate::clock;

/// The name under which the engine's own key is listed.
pub(crate) const ADMINISTRATOR: &str = "administrator";
/// A key of a person's choice that is so long is taken for a random one.
const HARD_TO_GUESS: usize = 32;
/// A shorter key shows nothing of itself: a few letters would be much of it.
const LONG_ENOUGH_TO_SHOW: usize = 20;

/// The hash of a key: the only form in which keys are compared and kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeyHash(String);

impl KeyHash {
    pub(crate) fn of(key: &str) -> Self {
        Self(hex::encode(Sha256::digest(key.as_bytes())))
    }
}

/// What is kept of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub organization: String,
    pub name: String,
    pub hash: KeyHash,
    /// Its first and last letters, so that its owner knows it again.
    pub shown: String,
    pub permissions: BTreeSet<Permission>,
    pub created_ms: i64,
    /// When it ends; never without.
    pub expires_ms: Option<i64>,
    pub last_used_ms: Option<i64>,
}

/// A key that opens an organization.
#[derive(Debug)]
pub(crate) struct Key {
    record: KeyRecord,
    /// 0 while it was never used.
    last_used_ms: AtomicI64,
    administrator: bool,
    strong: bool,
}

impl From<KeyRecord> for Key {
    fn from(record: KeyRecord) -> Self {
        Self {
            last_used_ms: AtomicI64::new(record.last_used_ms.unwrap_or(0)),
            record,
            administrator: false,
            strong: true,
        }
    }
}

impl Key {
    /// The engine's own key: of the first organization, and it may everything.
    pub(super) fn administrator(key: &str) -> Self {
        let record = KeyRecord {
            organization: FIRST_ORGANIZATION.to_owned(),
            name: ADMINISTRATOR.to_owned(),
            hash: KeyHash::of(key),
            shown: shown(key),
            permissions: Permission::ALL.iter().copied().collect(),
            created_ms: clock::now_ms(),
            expires_ms: None,
            last_used_ms: None,
        };
        Self {
            administrator: true,
            strong: key.len() >= HARD_TO_GUESS,
            ..Self::from(record)
        }
    }

    /// What is kept of it, as it is now.
    pub(crate) fn record(&self) -> KeyRecord {
        KeyRecord {
            last_used_ms: Some(self.last_used_ms.load(Ordering::Relaxed)).filter(|at| *at > 0),
            ..self.record.clone()
        }
    }

    pub(crate) fn hash(&self) -> &KeyHash {
        &self.record.hash
    }

    pub(crate) fn organization(&self) -> &str {
        &self.record.organization
    }

    pub(crate) fn name(&self) -> &str {
        &self.record.name
    }

    pub(crate) fn permissions(&self) -> &BTreeSet<Permission> {
        &self.record.permissions
    }

    pub(crate) fn is_administrator(&self) -> bool {
        self.administrator
    }

    /// Whether nobody can guess it: it was made here, or is as long as one that
    /// was.
    pub(crate) fn is_strong(&self) -> bool {
        self.strong
    }

    pub(crate) fn has_expired(&self, now_ms: i64) -> bool {
        self.record.expires_ms.is_some_and(|end| now_ms >= end)
    }

    /// It is used now. Says whether the last use before was long enough ago to
    /// be worth writing down.
    pub(super) fn used(&self, now_ms: i64) -> bool {
        const WORTH_WRITING_MS: i64 = 60_000;
        now_ms - self.last_used_ms.swap(now_ms, Ordering::Relaxed) >= WORTH_WRITING_MS
    }
}

/// A new key, in the form Daytona's have.
pub(super) fn generate() -> String {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).expect("the kernel gives random bytes");
    format!("dtn_{}", hex::encode(random))
}

/// A key with its middle masked.
pub(super) fn shown(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    if letters.len() < LONG_ENOUGH_TO_SHOW {
        return "*".repeat(8);
    }
    let (first, last) = (&letters[..4], &letters[letters.len() - 3..]);
    first.iter().chain(&['*'; 16]).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_its_ends_and_a_short_one_not_at_all() {
        assert_eq!(shown("dtn_0123456789abcdefXYZ"), "dtn_****************XYZ");
        assert_eq!(shown("test-key"), "********");
        assert_eq!(shown("ключключключключключ").chars().count(), 23);
    }

    #[test]
    fn made_keys_differ_and_are_long() {
        let (one, other) = (generate(), generate());
        assert_ne!(one, other);
        assert_eq!(one.len(), 4 + 64);
        // Three parts with dots would be taken for a JSON web token.
        assert!(!one.contains('.'));
    }
}
