//! The organizations and keys of a running engine: looked up in memory, kept in
//! one file of the data directory that only its owner reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use axum::http::StatusCode;

use super::book::{Book, Organization};
use super::key::{self, ADMINISTRATOR, Key, KeyHash, KeyRecord};
use super::{Caller, Permission};
use crate::fault::Fault;
use crate::{clock, lock};

/// The most keys of an organization.
const KEYS: usize = 1000;
/// The most organizations.
const ORGANIZATIONS: usize = 1000;

/// What a key is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub name: String,
    pub permissions: BTreeSet<Permission>,
    pub expires_ms: Option<i64>,
}

#[derive(Clone, Debug)]
struct Known {
    organizations: BTreeMap<String, Organization>,
    keys: BTreeMap<KeyHash, Arc<Key>>,
}

/// Who there is.
#[derive(Debug)]
pub(crate) struct Identity {
    file: PathBuf,
    administrator: Arc<Key>,
    known: RwLock<Known>,
    /// A last use is not on disk yet.
    unwritten: AtomicBool,
}

impl Identity {
    /// Reads the book of a data directory, or begins it.
    ///
    /// # Errors
    /// When it cannot be read or written. A book that is damaged is never
    /// begun anew: keys that were taken back would not come back, but the
    /// others would be lost without a word.
    pub(crate) fn open(data_dir: &Path, administrator: &str) -> std::io::Result<Self> {
        let file = data_dir.join("identity.json");
        let book = match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let book = Book::new();
                write(&file, &book)?;
                book
            }
            Err(error) => return Err(error),
        };
        let organizations = book.organizations.into_iter();
        let keys = book.keys.into_iter().map(|record| Arc::new(Key::from(record)));
        Ok(Self {
            file,
            administrator: Arc::new(Key::administrator(administrator)),
            known: RwLock::new(Known {
                organizations: organizations.map(|one| (one.id.clone(), one)).collect(),
                keys: keys.map(|key| (key.hash().clone(), key)).collect(),
            }),
            unwritten: AtomicBool::new(false),
        })
    }

    /// Whose key this is; a key that ended or is unknown is nobody's. Keys are
    /// compared by their hashes alone, which tell a listener of the time it
    /// takes nothing about any key.
    pub(crate) fn caller(&self, offered: &str) -> Option<Caller> {
        let hash = KeyHash::of(offered);
        let key = if *self.administrator.hash() == hash {
            Arc::clone(&self.administrator)
        } else {
            Arc::clone(self.known().keys.get(&hash)?)
        };
        let now = clock::now_ms();
        if key.has_expired(now) {
            return None;
        }
        if key.used(now) && !key.is_administrator() {
            self.unwritten.store(true, Ordering::Relaxed);
        }
        Some(Caller::new(key))
    }

    /// The keys of an organization, in the order of their names.
    pub(crate) fn keys(&self, organization: &str) -> Vec<Arc<Key>> {
        let known = self.known();
        let all = known.keys.values().chain([&self.administrator]);
        let mut keys: Vec<_> = all
            .filter(|key| key.organization() == organization)
            .cloned()
            .collect();
        keys.sort_by(|one, other| one.name().cmp(other.name()));
        keys
    }

    /// The key of an organization with this name.
    pub(crate) fn key(&self, organization: &str, name: &str) -> Result<Arc<Key>, Fault> {
        let keys = self.keys(organization);
        let found = keys.into_iter().find(|key| key.name() == name);
        found.ok_or_else(|| Fault::not_found(format!("API key {name} not found")))
    }

    /// Makes a key; given back with its value, which nobody learns again.
    pub(crate) fn add_key(&self, organization: &str, new: NewKey) -> Result<(Arc<Key>, String), Fault> {
        check_name("An API key", &new.name)?;
        let (key, value) = make(organization, new);
        self.change(|known| {
            let of_organization = || {
                known
                    .keys
                    .values()
                    .filter(|other| other.organization() == organization)
            };
            if of_organization().any(|other| other.name() == key.name()) || key.name() == ADMINISTRATOR {
                return Err(Fault::conflict(format!(
                    "API key with name {} already exists",
                    key.name()
                )));
            }
            if of_organization().count() >= KEYS {
                return Err(Fault::bad_request(format!(
                    "This organization has {KEYS} API keys and may have no more. Delete one first."
                )));
            }
            known.keys.insert(key.hash().clone(), Arc::clone(&key));
            Ok(())
        })?;
        Ok((key, value))
    }

    /// Takes a key back: the next request with it is refused.
    pub(crate) fn remove_key(&self, organization: &str, name: &str) -> Result<(), Fault> {
        let key = self.key(organization, name)?;
        if key.is_administrator() {
            return Err(Fault::bad_request(
                "The engine's own key cannot be deleted. Start the engine with another one instead.",
            ));
        }
        self.change(|known| {
            known.keys.remove(key.hash());
            Ok(())
        })
    }

    /// Makes an organization and its first key, which may everything there.
    pub(crate) fn add_organization(&self, name: &str) -> Result<(Organization, Arc<Key>, String), Fault> {
        check_name("An organization", name)?;
        let organization = Organization {
            id: uuid::Uuid::new_v4().to_string(),
            name: name.to_owned(),
            created_ms: clock::now_ms(),
        };
        let first = NewKey {
            name: "first".to_owned(),
            permissions: Permission::ALL.iter().copied().collect(),
            expires_ms: None,
        };
        let (key, value) = make(&organization.id, first);
        self.change(|known| {
            if known.organizations.values().any(|other| other.name == name) {
                return Err(Fault::conflict(format!(
                    "Organization with name {name} already exists"
                )));
            }
            if known.organizations.len() >= ORGANIZATIONS {
                return Err(Fault::bad_request(format!(
                    "There are {ORGANIZATIONS} organizations and there may be no more. Delete one first."
                )));
            }
            known
                .organizations
                .insert(organization.id.clone(), organization.clone());
            known.keys.insert(key.hash().clone(), Arc::clone(&key));
            Ok(())
        })?;
        Ok((organization, key, value))
    }

    /// Forgets an organization and its keys. What belonged to it must be gone.
    pub(crate) fn remove_organization(&self, id: &str) -> Result<(), Fault> {
        self.change(|known| {
            known.organizations.remove(id);
            known.keys.retain(|_, key| key.organization() != id);
            Ok(())
        })
    }

    /// When the book, and with it the data directory, was begun.
    pub(crate) fn begun_ms(&self) -> i64 {
        let known = self.known();
        let first = known.organizations.get(super::FIRST_ORGANIZATION);
        first.map_or(0, |first| first.created_ms)
    }

    /// The organizations a caller may know of: the administrator all, others
    /// their own.
    pub(crate) fn organizations(&self, caller: &Caller) -> Vec<Organization> {
        let known = self.known();
        let all = known.organizations.values();
        let may_know = |one: &&Organization| caller.is_administrator() || one.id == caller.organization();
        let mut found: Vec<_> = all.filter(may_know).cloned().collect();
        found.sort_by_key(|one| (one.created_ms, one.id.clone()));
        found
    }

    /// One that a caller may know of.
    pub(crate) fn organization(&self, caller: &Caller, id: &str) -> Result<Organization, Fault> {
        let mut known = self.organizations(caller).into_iter();
        known
            .find(|one| one.id == id)
            .ok_or_else(|| Fault::not_found(format!("Organization with ID {id} not found")))
    }

    /// Writes down last uses that are in memory only.
    pub(crate) fn write_last_uses(&self) {
        if !self.unwritten.swap(false, Ordering::Relaxed) {
            return;
        }
        // While this is read nothing can change: an older book never replaces a newer.
        let known = self.known();
        if let Err(error) = write(&self.file, &book(&known)) {
            self.unwritten.store(true, Ordering::Relaxed);
            tracing::warn!(%error, "the last uses of API keys could not be written down");
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known when the change is on disk, else not at all.
    fn change(&self, change: impl FnOnce(&mut Known) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = known.clone();
        change(&mut next)?;
        write(&self.file, &book(&next)).map_err(|error| {
            Fault::new(
                StatusCode::INSUFFICIENT_STORAGE,
                format!("The book of API keys could not be written: {error}. Nothing was changed."),
            )
        })?;
        *known = next;
        Ok(())
    }
}

fn make(organization: &str, new: NewKey) -> (Arc<Key>, String) {
    let value = key::generate();
    let record = KeyRecord {
        organization: organization.to_owned(),
        name: new.name,
        hash: KeyHash::of(&value),
        shown: key::shown(&value),
        permissions: new.permissions,
        created_ms: clock::now_ms(),
        expires_ms: new.expires_ms,
        last_used_ms: None,
    };
    (Arc::new(Key::from(record)), value)
}

fn check_name(what: &str, name: &str) -> Result<(), Fault> {
    let odd = |letter: char| letter == '/' || letter.is_control();
    if name.trim().is_empty() || name.len() > 255 || name.chars().any(odd) {
        return Err(Fault::bad_request(format!(
            "{what} has a name of 1 to 255 bytes without a slash."
        )));
    }
    Ok(())
}

fn book(known: &Known) -> Book {
    Book {
        organizations: known.organizations.values().cloned().collect(),
        keys: known.keys.values().map(|key| key.record()).collect(),
    }
}

fn write(file: &Path, book: &Book) -> std::io::Result<()> {
    lock::replace(file, &serde_json::to_vec_pretty(book)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn new(name: &str, permissions: &[Permission]) -> NewKey {
        NewKey {
            name: name.to_owned(),
            permissions: permissions.iter().copied().collect(),
            expires_ms: None,
        }
    }

    #[test]
    fn keys_outlive_the_engine_as_hashes_that_only_the_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(folder.path(), "engines-key").unwrap();
        let may = [Permission::WriteSandboxes];
        let (_, value) = identity.add_key("pitlane", new("ci", &may)).unwrap();
        assert!(identity.caller(&value).unwrap().may(Permission::WriteSandboxes));
        identity.write_last_uses();

        let file = folder.path().join("identity.json");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&value) && !text.contains("engines-key"));
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let again = Identity::open(folder.path(), "another").unwrap();
        let caller = again.caller(&value).unwrap();
        assert_eq!((caller.organization(), caller.key().name()), ("pitlane", "ci"));
        assert!(!caller.may(Permission::DeleteSandboxes));
        assert!(caller.key().record().last_used_ms.is_some());
        assert!(
            again.caller("engines-key").is_none(),
            "the engine's key was changed"
        );
        assert!(again.caller("another").unwrap().is_administrator());
        for wrong in ["", "anothe", "anotherr", "ANOTHER", text.as_str()] {
            assert!(again.caller(wrong).is_none());
        }
    }

    #[test]
    fn a_key_that_ended_or_was_taken_back_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(folder.path(), "own").unwrap();
        let ended = NewKey {
            expires_ms: Some(clock::now_ms() - 1),
            ..new("ended", &[])
        };
        let (_, ended) = identity.add_key("pitlane", ended).unwrap();
        assert!(identity.caller(&ended).is_none());
        let (_, taken) = identity.add_key("pitlane", new("taken", &[])).unwrap();
        assert!(identity.caller(&taken).is_some());
        identity.remove_key("pitlane", "taken").unwrap();
        assert!(identity.caller(&taken).is_none());
        assert!(identity.remove_key("pitlane", "taken").is_err());
        assert!(identity.remove_key("pitlane", ADMINISTRATOR).is_err());
    }

    #[test]
    fn organizations_are_apart() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(folder.path(), "own").unwrap();
        let (team, _, value) = identity.add_organization("team").unwrap();
        let (own, other) = (identity.caller("own").unwrap(), identity.caller(&value).unwrap());
        assert_eq!(identity.organizations(&own).len(), 2);
        assert_eq!(identity.organizations(&other), std::slice::from_ref(&team));
        assert!(identity.organization(&other, FIRST).is_err());
        assert!(!other.is_administrator());
        // The same name in each is two keys.
        identity.add_key(&team.id, new("ci", &[])).unwrap();
        identity.add_key(FIRST, new("ci", &[])).unwrap();
        assert!(identity.add_key(FIRST, new("ci", &[])).is_err());
        assert!(identity.add_organization("team").is_err());
        identity.remove_organization(&team.id).unwrap();
        assert!(identity.caller(&value).is_none());
        assert_eq!(identity.keys(FIRST).len(), 2);
    }

    #[test]
    fn odd_names_are_refused_and_a_damaged_book_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(folder.path(), "own").unwrap();
        for name in ["", " ", "a/b", "a\nb", &"x".repeat(256), ADMINISTRATOR] {
            assert!(identity.add_key(FIRST, new(name, &[])).is_err(), "{name:?}");
        }
        std::fs::write(folder.path().join("identity.json"), "{").unwrap();
        assert!(Identity::open(folder.path(), "own").is_err());
    }

    const FIRST: &str = super::super::FIRST_ORGANIZATION;
}
