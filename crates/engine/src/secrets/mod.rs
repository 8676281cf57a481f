//! Secrets: values that programs of a sandbox get in their environment, and
//! that no answer, log or record of a sandbox shows.
//!
//! Daytona's cloud gives programs a placeholder, which its proxy replaces on
//! the way to the hosts a secret is for. There is no such proxy here: programs
//! get the value itself, and whoever runs programs in the sandbox can read it.

mod key;

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::fault::Fault;
use crate::records::{Records, kept};
use key::Key;

const KIND: &str = "Secret";

/// A secret, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecretRecord {
    pub(crate) id: String,
    pub(crate) organization: String,
    pub(crate) name: String,
    /// Encrypted.
    sealed: String,
    pub(crate) description: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

kept!(SecretRecord);

/// All secrets, and the key of their values.
#[derive(Debug)]
pub(crate) struct Secrets {
    records: Records<SecretRecord>,
    key: Key,
}

/// What of a secret is to change.
#[derive(Default)]
pub(crate) struct SecretChange {
    pub(crate) value: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) hosts: Option<Vec<String>>,
}

impl Secrets {
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        Ok(Self {
            records: Records::open(data_dir.join("secrets"))?,
            key: Key::open(&data_dir.join("secrets.key"))?,
        })
    }

    pub(crate) fn create(
        &self,
        organization: &str,
        name: &str,
        value: &str,
        change: SecretChange,
    ) -> Result<SecretRecord, Fault> {
        let now = clock::now_ms();
        let id = uuid::Uuid::new_v4().to_string();
        let record = SecretRecord {
            sealed: self.key.seal(&id, value)?,
            organization: organization.to_owned(),
            name: name.to_owned(),
            description: change.description,
            hosts: change.hosts.unwrap_or_default(),
            created_ms: now,
            updated_ms: now,
            id,
        };
        let added = self.records.add(record.clone());
        added.map_err(|error| error.fault(KIND, name))?;
        Ok(record)
    }

    /// One of an organization, by id or name.
    pub(crate) fn find(&self, organization: &str, id_or_name: &str) -> Result<SecretRecord, Fault> {
        self.records.show(KIND, organization, id_or_name)
    }

    pub(crate) fn of(&self, organization: &str) -> Vec<SecretRecord> {
        self.records.of(organization)
    }

    pub(crate) fn change(&self, id: &str, change: SecretChange) -> Result<Option<SecretRecord>, Fault> {
        let sealed = change.value.map(|value| self.key.seal(id, &value)).transpose()?;
        Ok(self.records.update(id, |record| {
            if let Some(sealed) = sealed {
                record.sealed = sealed;
            }
            if change.description.is_some() {
                record.description = change.description;
            }
            if let Some(hosts) = change.hosts {
                record.hosts = hosts;
            }
            record.updated_ms = clock::now_ms();
        }))
    }

    pub(crate) fn remove(&self, id: &str) -> bool {
        self.records.remove_if(id, |_| true)
    }

    /// The value of a secret an organization has.
    pub(crate) fn value(&self, organization: &str, id_or_name: &str) -> Result<String, Fault> {
        let record = self.find(organization, id_or_name)?;
        self.key.open_sealed(&record.id, &record.sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_nowhere_on_disk_and_comes_back() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(data.path()).unwrap();
        let made = secrets
            .create("red", "token", "hunter22", SecretChange::default())
            .unwrap();
        let text =
            std::fs::read_to_string(data.path().join("secrets").join(format!("{}.json", made.id))).unwrap();
        assert!(!text.contains("hunter22") && !format!("{secrets:?}").contains("hunter22"));
        let again = Secrets::open(data.path()).unwrap();
        assert_eq!(again.value("red", "token").unwrap(), "hunter22");
        assert!(again.value("blue", "token").is_err());
        let change = SecretChange {
            value: Some("new".into()),
            ..SecretChange::default()
        };
        again.change(&made.id, change).unwrap().unwrap();
        assert_eq!(again.value("red", &made.id).unwrap(), "new");
        assert!(again.remove(&made.id) && !again.remove(&made.id));
    }
}
