//! The book of organizations and keys, as it is kept on disk.

use serde::{Deserialize, Serialize};

use super::FIRST_ORGANIZATION;
use super::key::KeyRecord;
use crate::clock;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Organization {
    pub id: String,
    pub name: String,
    pub created_ms: i64,
}

/// All of them, and the hashes of all keys but the engine's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Book {
    pub organizations: Vec<Organization>,
    pub keys: Vec<KeyRecord>,
}

impl Book {
    /// The book of a new data directory: the first organization alone.
    pub(super) fn new() -> Self {
        let first = Organization {
            id: FIRST_ORGANIZATION.to_owned(),
            name: FIRST_ORGANIZATION.to_owned(),
            created_ms: clock::now_ms(),
        };
        Self {
            organizations: vec![first],
            keys: Vec::new(),
        }
    }
}
