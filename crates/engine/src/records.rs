//! Small records kept on disk, one JSON file each, replaced as a whole: a
//! reader finds the old or the new one, never a part.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;
use crate::lock;

/// What is kept: it has an id, and a name that is its own in its organization.
pub(crate) trait Kept: Clone + Serialize + DeserializeOwned {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
    fn organization(&self) -> &str;
}

/// Has records be kept by their fields `id`, `name` and `organization`.
macro_rules! kept {
    ($record:ty) => {
        impl $crate::records::Kept for $record {
            fn id(&self) -> &str {
                &self.id
            }

            fn name(&self) -> &str {
                &self.name
            }

            fn organization(&self) -> &str {
                &self.organization
            }
        }
    };
}
pub(crate) use kept;

/// All records of one kind, by id.
#[derive(Debug)]
pub(crate) struct Records<T> {
    folder: PathBuf,
    all: RwLock<BTreeMap<String, T>>,
}

/// Why a record was not added.
#[derive(Debug)]
pub(crate) enum NotAdded {
    /// Another one of the organization has its name.
    NameTaken,
    /// It could not be written.
    Unwritten(io::Error),
}

impl NotAdded {
    /// Daytona's refusal, for a kind of records such as `Volume`.
    pub(crate) fn fault(self, kind: &str, name: &str) -> Fault {
        match self {
            Self::NameTaken => Fault::conflict(format!("{kind} with name {name} already exists")),
            Self::Unwritten(error) => {
                Fault::internal(format!("The {} could not be kept: {error}.", kind.to_lowercase()))
            }
        }
    }
}

impl<T: Kept> Records<T> {
    /// Reads what an earlier engine kept. One that cannot be read is said and
    /// left where it is.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let mut all = BTreeMap::new();
        for file in std::fs::read_dir(&folder)? {
            let path = file?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match std::fs::read(&path).and_then(|text| Ok(serde_json::from_slice::<T>(&text)?)) {
                Ok(record) => {
                    all.insert(record.id().to_owned(), record);
                }
                Err(error) => tracing::error!(%error, path = %path.display(), "a record cannot be read"),
            }
        }
        Ok(Self {
            folder,
            all: RwLock::new(all),
        })
    }

    /// Where they are, and files that belong to them.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, T>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, T>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of an organization, by id, else by name.
    pub(crate) fn find(&self, organization: &str, id_or_name: &str) -> Option<T> {
        let all = self.read();
        let mut own = all
            .values()
            .filter(|record| record.organization() == organization);
        let found = all
            .get(id_or_name)
            .filter(|record| record.organization() == organization);
        found
            .or_else(|| own.find(|record| record.name() == id_or_name))
            .cloned()
    }

    /// The same, or Daytona's 404 for a kind of records such as `Volume`.
    pub(crate) fn show(&self, kind: &str, organization: &str, id_or_name: &str) -> Result<T, Fault> {
        self.find(organization, id_or_name)
            .ok_or_else(|| Fault::not_found(format!("{kind} with ID or name {id_or_name} not found")))
    }

    /// Those of an organization.
    pub(crate) fn of(&self, organization: &str) -> Vec<T> {
        let all = self.read();
        let own = all
            .values()
            .filter(|record| record.organization() == organization);
        own.cloned().collect()
    }

    /// The ids of those that are so.
    pub(crate) fn ids(&self, are_so: impl Fn(&T) -> bool) -> Vec<String> {
        let all = self.read();
        let found = all.values().filter(|record| are_so(record));
        found.map(|record| record.id().to_owned()).collect()
    }

    /// All of them, whosever they are.
    pub(crate) fn list(&self) -> Vec<T> {
        self.read().values().cloned().collect()
    }

    /// Adds one whose name nobody in its organization has.
    pub(crate) fn add(&self, record: T) -> Result<(), NotAdded> {
        let mut all = self.write();
        let taken = |other: &T| {
            other.organization() == record.organization()
                && (other.name() == record.name() || other.id() == record.name())
        };
        if all.values().any(taken) {
            return Err(NotAdded::NameTaken);
        }
        self.keep(&record).map_err(NotAdded::Unwritten)?;
        all.insert(record.id().to_owned(), record);
        Ok(())
    }

    /// Changes one and gives it as it is now; `None` when it is gone.
    pub(crate) fn update(&self, id: &str, change: impl FnOnce(&mut T)) -> Option<T> {
        let mut all = self.write();
        let record = all.get_mut(id)?;
        change(record);
        if let Err(error) = self.keep(record) {
            tracing::error!(%error, id, "a record could not be written");
        }
        Some(record.clone())
    }

    /// Forgets one, when `when` holds of it at that moment; gives whether it did.
    pub(crate) fn remove_if(&self, id: &str, when: impl FnOnce(&T) -> bool) -> bool {
        let mut all = self.write();
        if !all.get(id).is_some_and(when) {
            return false;
        }
        all.remove(id);
        if let Err(error) = std::fs::remove_file(self.file(id)) {
            tracing::error!(%error, id, "a record could not be removed");
        }
        true
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn keep(&self, record: &T) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(record)?;
        lock::replace(&self.file(record.id()), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        id: String,
        name: String,
        organization: String,
        count: u32,
    }

    impl Kept for Thing {
        fn id(&self) -> &str {
            &self.id
        }
        fn name(&self) -> &str {
            &self.name
        }
        fn organization(&self) -> &str {
            &self.organization
        }
    }

    fn thing(id: &str, name: &str, organization: &str) -> Thing {
        Thing {
            id: id.into(),
            name: name.into(),
            organization: organization.into(),
            count: 0,
        }
    }

    #[test]
    fn records_outlive_the_engine_and_names_are_an_organizations_own() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("things");
        let records = Records::open(folder.clone()).unwrap();
        records.add(thing("1", "a", "red")).unwrap();
        assert!(matches!(
            records.add(thing("2", "a", "red")),
            Err(NotAdded::NameTaken)
        ));
        assert!(matches!(
            records.add(thing("2", "1", "red")),
            Err(NotAdded::NameTaken)
        ));
        records.add(thing("2", "a", "blue")).unwrap();
        records.update("1", |thing| thing.count = 7).unwrap();
        std::fs::write(folder.join("broken.json"), "{").unwrap();

        let again = Records::<Thing>::open(folder.clone()).unwrap();
        assert_eq!(again.find("red", "a").unwrap().count, 7);
        assert_eq!(again.find("red", "1").unwrap().id, "1");
        assert_eq!(again.find("red", "2"), None);
        assert_eq!((again.of("blue").len(), again.list().len()), (1, 2));
        assert!(!again.remove_if("1", |thing| thing.count == 0));
        assert!(again.remove_if("1", |thing| thing.count == 7));
        assert!(!folder.join("1.json").exists());
        assert!(again.update("1", |_| ()).is_none());
    }
}
