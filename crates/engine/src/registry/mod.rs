//! The sandboxes this engine knows: what each is to be (a record on disk), and
//! what runs of it (in memory only).

mod activity;
mod entry;
mod live;
mod opening;
mod record;
mod samples;

pub(crate) use activity::{Activity, Use, counts_as_use};
pub(crate) use entry::Entry;
pub(crate) use live::{Limits, Live, Settings};
pub(crate) use opening::Token;
pub(crate) use record::Record;
pub(crate) use samples::{Sample, Samples};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::events::Events;
use crate::fault::Fault;
use crate::identity::Caller;

/// All sandboxes, by id.
#[derive(Debug)]
pub(crate) struct Registry {
    folder: PathBuf,
    events: Arc<Events>,
    all: RwLock<BTreeMap<String, Arc<Entry>>>,
}

impl Registry {
    /// Reads the records of an earlier engine; its sandboxes are stopped now.
    pub(crate) fn open(data_dir: &Path, events: Arc<Events>) -> std::io::Result<Self> {
        let folder = data_dir.join("sandboxes");
        std::fs::create_dir_all(&folder)?;
        let mut all = BTreeMap::new();
        for file in std::fs::read_dir(&folder)? {
            let path = file?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let read = std::fs::read(&path).and_then(|text| Ok(serde_json::from_slice::<Record>(&text)?));
            match read {
                Ok(record) => {
                    let entry = Entry::new(record.after_restart(), folder.clone(), Arc::clone(&events));
                    all.insert(entry.id.clone(), Arc::new(entry));
                }
                Err(error) => {
                    tracing::error!(%error, path = %path.display(), "a sandbox's record cannot be read")
                }
            }
        }
        Ok(Self {
            folder,
            events,
            all: RwLock::new(all),
        })
    }

    /// Finds by id, else by name, what a caller may see: of another
    /// organization there is nothing.
    pub(crate) fn find(&self, caller: &Caller, id_or_name: &str) -> Result<Arc<Entry>, Fault> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let visible = |entry: &&Arc<Entry>| entry.organization == caller.organization();
        let found = all.get(id_or_name).filter(visible).or_else(|| {
            let mut others = all.values().filter(visible);
            others.find(|entry| entry.record().name == id_or_name)
        });
        found
            .cloned()
            .ok_or_else(|| Fault::not_found(format!("Sandbox with ID or name {id_or_name} not found")))
    }

    /// The sandbox with this id, whosever it is: for what opens a sandbox
    /// without saying who asks.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Entry>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.get(id).cloned()
    }

    /// Adds a sandbox whose name nobody in its organization has.
    pub(crate) fn add(&self, record: Record) -> Result<Arc<Entry>, Fault> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let name = &record.name;
        let same = |other: &Arc<Entry>| other.id == *name || other.record().name == *name;
        if all
            .values()
            .filter(|other| other.organization == record.organization)
            .any(same)
        {
            return Err(Fault::conflict(format!(
                "Sandbox with name {name} already exists"
            )));
        }
        let entry = Arc::new(Entry::new(record, self.folder.clone(), Arc::clone(&self.events)));
        all.insert(entry.id.clone(), Arc::clone(&entry));
        drop(all);
        entry.announce();
        Ok(entry)
    }

    /// Forgets a sandbox, on disk too.
    pub(crate) fn remove(&self, entry: &Entry) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(&entry.id);
        entry.forget();
    }

    /// The sandboxes of an organization.
    pub(crate) fn of(&self, organization: &str) -> Vec<Arc<Entry>> {
        let mut all = self.list();
        all.retain(|entry| entry.organization == organization);
        all
    }

    /// All of them, whosever they are.
    pub(crate) fn list(&self) -> Vec<Arc<Entry>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}
